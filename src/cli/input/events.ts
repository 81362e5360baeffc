import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { decodeExportBatches } from "../../observer/index.js";
import { createFlowDecoder, type FlowDecoder, type FlowOptions, PacketError } from "../../packet/index.js";
import { type CaptureSource, openCapture } from "../../pcap/decode.js";
import { createInput } from "../../pcap/input.js";
import { tellKind } from "./kind.js";
import { peek } from "./peek.js";
import type { InputReport } from "./report.js";

/** The events that inputs yield. */
export type InputEvent = GetFlowsResponse | ExportEvent;

/** Options for converting packets to flows. */
export type PacketOptions = Pick<FlowOptions, "strict" | "guessReplies" | "tunnels" | "nodeName">;

/** Maximum number of events per batch. */
const BATCH_LENGTH = 1024;

/**
 * Yields the events of an input: those of export lines, or packets as flows. Lines and packets that cannot be read are
 * reported and skipped.
 *
 * @throws FlowscribeError if reading cannot continue, after the preceding events.
 */
export async function* readEvents(
  input: AsyncIterable<Uint8Array>,
  name: string,
  packets: PacketOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { told: kind, chunks } = await peek(input, tellKind);
  switch (kind) {
    case "capture":
      return yield* readCapture(chunks, name, packets, report);
    case "export":
      return yield* decodeExportBatches(chunks, {
        onBadLine: ({ message }) => report.leftOut("line", name, message),
        onUnknownField: ({ line, message }) => report.unknownField(name, line, message),
      });
    case "neither":
      throw new Error("neither export lines nor a capture");
  }
}

async function* readCapture(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: PacketOptions,
  report: InputReport,
): AsyncGenerator<InputEvent[], void, undefined> {
  const source = await openCapture(createInput(chunks), name);
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

function createDecoder(source: CaptureSource, options: PacketOptions): FlowDecoder {
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
  let before = 0;
  for await (const batch of source.reusedBatches?.() ?? source) {
    let events: InputEvent[] = [];
    for (const flow of decoder.decodeEach(batch)) {
      if (flow instanceof PacketError) {
        const { index, layer, offset, message } = flow;
        report.leftOut(
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
