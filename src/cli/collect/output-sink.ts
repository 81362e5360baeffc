import { messageOf } from "../../errors/message.js";
import { decodeEvent, type EncodedEvent } from "../../observer/events/encoded-event.js";
import { type FlowSink, type RefusedEvent, RefusedEventsError } from "../../observer/events/flow-sink.js";
import { encodeExportLine } from "../../observer/index.js";
import type { OutputStream } from "../io/io.js";

/** Writes events to standard output, one JSON line each. They count as durable when they have left the process. */
export function openOutputSink(output: OutputStream): FlowSink {
  let written = 0;
  let refusedEvents = 0;
  let failures = 0;
  const writeLines = async (events: readonly EncodedEvent[], refused: RefusedEvent[]) => {
    let text = "";
    for (const event of events) {
      try {
        text += `${encodeExportLine(decodeEvent(event))}\n`;
      } catch (error) {
        refused.push({ event, reason: messageOf(error) });
      }
    }
    await output.write(text);
    await output.flush();
  };
  return {
    get stats() {
      return { written, refused: refusedEvents, failures };
    },
    async write(events) {
      const refused: RefusedEvent[] = [];
      try {
        await writeLines(events, refused);
      } catch (error) {
        failures++;
        throw error;
      }
      written += events.length - refused.length;
      refusedEvents += refused.length;
      if (refused.length > 0) throw new RefusedEventsError(refused);
    },
    flush: () => output.flush(),
    [Symbol.asyncDispose]: async () => {},
  };
}
