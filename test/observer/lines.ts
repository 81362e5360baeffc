import { readdirSync, readFileSync } from "node:fs";
import {
  type DecodeExportOptions,
  decodeExport,
  ExportError,
  type ExportInput,
} from "../../src/observer/index.js";
import type { ExportEvent, GetFlowsResponse } from "../../src/proto.js";
import { sharedPath } from "../support/shared.js";

/** The events and error of an iteration. */
export interface Reading {
  readonly events: (GetFlowsResponse | ExportEvent)[];
  readonly error: unknown;
}

export async function readLines(input: ExportInput, options: DecodeExportOptions = {}): Promise<Reading> {
  const events: (GetFlowsResponse | ExportEvent)[] = [];
  try {
    for await (const event of decodeExport(input, options)) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

/** The event of a single line; propagates errors. */
export async function readLine(
  line: string,
  options: DecodeExportOptions = {},
): Promise<GetFlowsResponse | ExportEvent> {
  const { events, error } = await readLines(line, options);
  if (error !== undefined) throw error;
  if (events.length !== 1) throw new Error(`${events.length} events in one line`);
  return events[0]!;
}

/** The bad lines, as their numbers and messages. */
export async function badLines(input: ExportInput, options: DecodeExportOptions = {}): Promise<string[]> {
  const messages: string[] = [];
  const { error } = await readLines(input, {
    ...options,
    onBadLine: ({ message }) => messages.push(message),
  });
  if (error !== undefined && !(error instanceof ExportError)) throw error;
  return messages;
}

/** The files with real flows. */
export function sharedFlowFiles(): { readonly name: string; readonly bytes: Uint8Array }[] {
  return readdirSync(sharedPath("flows"))
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ name, bytes: readFileSync(sharedPath("flows", name)) }));
}
