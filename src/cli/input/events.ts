import type { ByteInput } from "../../bytes/byte-input.js";
import { decompress, type GzipFault } from "../../bytes/decompress.js";
import { peek } from "../../bytes/peek.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { ReadExportOptions } from "../../observer/export/read-export.js";
import type { FlowOptions, PacketPart } from "../../packet/index.js";
import { detectKind } from "./kind.js";
import type { InputReport } from "./report.js";

/** The events that inputs yield. */
export type InputEvent = GetFlowsResponse | ExportEvent;

/** Options for converting packets to flows. */
export interface PacketOptions extends Pick<FlowOptions, "strict" | "guessReplies" | "tunnels" | "nodeName"> {
  /** Compiles the part of the filters that packets alone can answer. Packets that it does not match yield no event. */
  readonly compilePart?: () => Promise<PacketPart | undefined>;
}

/** Reads the events of export lines. Closes the input. */
export type EventReader = (
  open: () => ByteInput,
  options: ReadExportOptions,
) => AsyncGenerator<InputEvent[], void, undefined>;

/** How inputs are read. */
export interface InputOptions {
  /** Called for the first input with export lines, and for each further one. */
  readonly loadLineReader: () => Promise<EventReader>;
  /** For packets; undefined if captures are not accepted. */
  readonly packets: PacketOptions | undefined;
}

/**
 * Yields the events of an input, plain or gzip: those of export lines, or packets as flows. Lines and packets that
 * cannot be read are reported and skipped. What reads them is loaded for the first input of its kind.
 *
 * @param raw Closed by the caller.
 * @throws Error if reading cannot continue, after the preceding events.
 */
export async function* readEvents(
  raw: ByteInput,
  name: string,
  { loadLineReader, packets }: InputOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { input: plain } = await decompress(raw, gzipError);
  const { result: kind, input } = await peek(plain, detectKind);
  switch (kind) {
    case "capture": {
      if (packets === undefined)
        throw new Error("a capture has no lines: the output format raw requires export lines");
      const { readCapture } = await import("./capture.js");
      return yield* readCapture(input, name, packets, report);
    }
    case "export": {
      const readLines = await loadLineReader();
      return yield* readLines(() => input, {
        onBadLine: ({ message }) => report.skipped("line", name, message),
        onUnknownField: ({ line, message }) => report.unknownField(name, line, message),
      });
    }
    case "neither":
      throw new Error("neither export lines nor a capture");
  }
}

export function gzipError({ message, offset }: GzipFault): Error {
  return new Error(`${message} (at byte ${offset})`);
}
