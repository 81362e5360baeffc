import { compileFlowFilters, type FlowFilterLists } from "../../filter/compile.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "../../filter/event.js";
import type { FlowFilterOptions } from "../../filter/filter-options.js";
import { packetPart } from "../../filter/packet-part.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import type { PacketBatch } from "../../packet/batch.js";
import { PacketError } from "../../packet/flow/locate/packet-error.js";
import { createFlowDecoder } from "../../packet/flow.js";
import type { FlightTrigger } from "./flight-recorder.js";
import type { FlightOptions } from "./options.js";

/** Returns the flow of a packet if it passes the filters. */
export type PacketTrigger = (batch: PacketBatch, index: number) => Flow | undefined;

/** Compiles filters that are asked of every packet. */
export function createPacketTrigger(
  lists: FlowFilterLists,
  { filter = {}, flow: flowOptions = {} }: FlightOptions,
): PacketTrigger {
  const passes = compileFlowFilters(lists, filter);
  const part = packetPart(lists, filter);
  const decoder = createFlowDecoder(flowOptions);
  return (batch, index) => {
    const flow = decoder.decodeAt(batch, index, part);
    if (flow === undefined || flow instanceof PacketError) return undefined;
    return part.exact || passes(flow) ? flow : undefined;
  };
}

/** Reports the events that pass the filters, in the background. Returns a function that ends it. */
export function readEventTriggers(
  events: AsyncIterable<FlowEvent | FlowEnvelope>,
  lists: FlowFilterLists,
  options: FlowFilterOptions,
  {
    onTrigger,
    onError,
  }: { readonly onTrigger: (cause: FlightTrigger) => void; readonly onError: (error: unknown) => void },
): () => void {
  const passes = compileFlowFilters(lists, options);
  const iterator = events[Symbol.asyncIterator]();
  let isLeft = false;
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (isLeft || done === true) return;
      if (passes(value)) onTrigger(causeOf(value));
    }
  };
  read().catch((error) => {
    if (!isLeft) onError(error);
  });
  return () => {
    isLeft = true;
    // Not awaited: an iterator with a pending read may never settle this.
    Promise.resolve(iterator.return?.()).catch(() => {});
  };
}

/** The time of the event is that of its envelope if the event has none. */
function causeOf(event: FlowEvent | FlowEnvelope): FlightTrigger {
  const inner = withoutEnvelope(event);
  const flow = isFlow(inner) ? inner : undefined;
  const time = event !== undefined && "time" in event ? event.time : undefined;
  return {
    ...(flow !== undefined && { flow }),
    ...(flow?.time === undefined &&
      time !== undefined && { timeMs: Number(time.seconds) * 1000 + time.nanos / 1_000_000 }),
  };
}
