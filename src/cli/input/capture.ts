import type { ByteInput } from "../../bytes/byte-input.js";
import { createCommentedFlows } from "../../observer/comments/commented-flows.js";
import { createFlowDecoder, type FlowDecoder, PacketError } from "../../packet/index.js";
import { type CaptureSource, openCapture } from "../../pcap/decode.js";
import type { InputEvent, PacketOptions } from "./events.js";
import type { InputReport } from "./report.js";

/** Maximum number of events per batch. */
const BATCH_LENGTH = 1024;

/** Yields the packets of a capture as flows. Packets that cannot be read are reported and skipped. */
export async function* readCapture(
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
  const part = await options.compilePart?.();
  // Comments may come from anyone; strict mode prints what the packets say.
  const commented = options.strict === true ? undefined : createCommentedFlows();
  let before = 0;
  for await (const batch of source.reusedBatches?.() ?? source) {
    let events: InputEvent[] = [];
    // Each commented packet is decoded, because its names apply to others of its conversation.
    const isCommented = commented !== undefined && batch.comments !== undefined;
    let index = 0;
    for (const decoded of decoder.decodeEach(batch, isCommented ? undefined : part)) {
      const at = index++;
      if (decoded instanceof PacketError) {
        const { index, layer, offset, message } = decoded;
        report.skipped(
          "packet",
          name,
          `packet ${before + index + 1}, ${layer} at byte ${offset}: ${message}`,
        );
        continue;
      }
      const flow =
        commented === undefined
          ? decoded
          : commented.restore(decoded, isCommented ? batch.comments?.get(at) : undefined);
      const { time } = flow;
      events.push({
        $typeName: "observer.GetFlowsResponse",
        responseTypes: { case: "flow", value: flow },
        nodeName: flow.nodeName || nodeName,
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
