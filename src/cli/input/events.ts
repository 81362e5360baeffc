import type { ByteInput } from "../../bytes/byte-input.js";
import { decompress, type GzipFault } from "../../bytes/decompress.js";
import { peek } from "../../bytes/peek.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { ReadExportOptions } from "../../observer/export/read-export.js";
import {
  createFlowDecoder,
  type FlowDecoder,
  type FlowOptions,
  PacketError,
  type PacketPart,
} from "../../packet/index.js";
import { type CaptureSource, openCapture } from "../../pcap/decode.js";
import { detectKind } from "./kind.js";
import type { InputReport } from "./report.js";

/** The events that inputs yield. */
export type InputEvent = GetFlowsResponse | ExportEvent;

/** Options for converting packets to flows. */
export interface PacketOptions extends Pick<FlowOptions, "strict" | "guessReplies" | "tunnels" | "nodeName"> {
  /** Compiles what packets alone answer of the filters; packets that it does not match yield no event. */
  readonly compilePart?: () => PacketPart;
}

/** Reads the events of export lines. Closes the input. */
export type EventReader = (
  open: () => ByteInput,
  options: ReadExportOptions,
) => AsyncGenerator<InputEvent[], void, undefined>;

/** How inputs are read. */
export interface InputOptions {
  readonly readLines: EventReader;
  /** For packets; undefined if captures are not accepted. */
  readonly packets: PacketOptions | undefined;
}

/** Maximum number of events per batch. */
const BATCH_LENGTH = 1024;

/**
 * Yields the events of an input, plain or gzip: those of export lines, or packets as flows. Lines and packets that
 * cannot be read are reported and skipped.
 *
 * @param raw Closed by the caller.
 * @throws Error if reading cannot continue, after the preceding events.
 */
export async function* readEvents(
  raw: ByteInput,
  name: string,
  { readLines, packets }: InputOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { input: plain } = await decompress(raw, gzipError);
  const { result: kind, input } = await peek(plain, detectKind);
  switch (kind) {
    case "capture":
      if (packets === undefined)
        throw new Error("a capture has no lines: the output format raw requires export lines");
      return yield* readCapture(input, name, packets, report);
    case "export":
      return yield* readLines(() => input, {
        onBadLine: ({ message }) => report.skipped("line", name, message),
        onUnknownField: ({ line, message }) => report.unknownField(name, line, message),
      });
    case "neither":
      throw new Error("neither export lines nor a capture");
  }
}

export function gzipError({ message, offset }: GzipFault): Error {
  return new Error(`${message} (at byte ${offset})`);
}

async function* readCapture(
  input: ByteInput,
  name: string,
  options: PacketOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const source = await openCapture(input, name);
  const decoder = createDecoder(source, options);
  try {
    yield* decodePackets(source, decoder, name, options, report);
  } finally {
    for (const [linkType, packets] of decoder.stats.unsupportedLinkTypes) {
      report.unsupportedLinkType(name, linkType, packets);
    }
    await source[Symbol.asyncDispose]();
  }
}

function createDecoder(source: CaptureSource, { compilePart: _, ...options }: PacketOptions): FlowDecoder {
  return createFlowDecoder({
    ...options,
    // Only pcapng names interfaces. They may be added while it is read, but always before their packets.
    ...(source.fileFormat === "pcapng" && {
      captureInterface: (id) => {
        const interfaceName = source.interfaces[id]?.name;
        return interfaceName === undefined ? undefined : { name: interfaceName };
      },
    }),
  });
}

async function* decodePackets(
  source: CaptureSource,
  decoder: FlowDecoder,
  name: string,
  options: PacketOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { nodeName = "" } = options;
  const part = options.compilePart?.();
  let before = 0;
  for await (const batch of source.reusedBatches?.() ?? source) {
    let events: InputEvent[] = [];
    for (const flow of decoder.decodeEach(batch, part)) {
      if (flow instanceof PacketError) {
        const { index, layer, offset, message } = flow;
        report.skipped(
          "packet",
          name,
          `packet ${before + index + 1}, ${layer} at byte ${offset}: ${message}`,
        );
        continue;
      }
      const { time } = flow;
      events.push({
        $typeName: "observer.GetFlowsResponse",
        responseTypes: { case: "flow", value: flow },
        nodeName,
        time,
      });
      if (events.length < BATCH_LENGTH) continue;
      yield events;
      events = [];
    }
    if (events.length > 0) yield events;
    before += batch.length;
  }
}
