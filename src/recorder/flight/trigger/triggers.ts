import { compileFlowFilters, type FlowFilterLists } from "../../../filter/compile.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "../../../filter/event.js";
import type { FlowFilterOptions } from "../../../filter/filter-options.js";
import { packetPart } from "../../../filter/packet-part.js";
import type { Flow } from "../../../gen/flow/flow_pb.js";
import type { PacketBatch } from "../../../packet/batch.js";
import { PacketError } from "../../../packet/flow/locate/packet-error.js";
import { createFlowDecoder } from "../../../packet/flow.js";
import type { FlightTrigger } from "../flight-recorder.js";
import type { FlightOptions } from "../options.js";

/** Returns the flow of a packet if it passes the filters. */
export type PacketTrigger = (batch: PacketBatch, index: number) => Flow | undefined;

/** Compiles filters that test every packet. */
export function createPacketTrigger(
  lists: FlowFilterLists,
  { filter = {}, flow: flowOptions = {} }: Pick<FlightOptions, "filter" | "flow">,
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

/** What {@link readEventTriggers} calls. */
export interface EventListener {
  /** Returns a promise to wait for before the event is tested. `timeUs` is undefined for an event without a time. */
  readonly onEvent: (timeUs: number | undefined) => Promise<void> | undefined;
  /** An event passes the filters. */
  readonly onTrigger: (cause: FlightTrigger) => void;
  /** No further event follows. */
  readonly onEnd: (failure?: { readonly error: unknown }) => void;
}

/** Reports the events that pass the filters, in the background. Returns a function that ends it. */
export function readEventTriggers(
  events: AsyncIterable<FlowEvent | FlowEnvelope>,
  lists: FlowFilterLists,
  options: FlowFilterOptions,
  { onEvent, onTrigger, onEnd }: EventListener,
): () => void {
  const passes = compileFlowFilters(lists, options);
  const iterator = events[Symbol.asyncIterator]();
  let isLeft = false;
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (isLeft || done === true) return;
      const cause = causeOf(value);
      const pace = onEvent(timeUsOf(cause));
      if (pace !== undefined) await pace;
      if (passes(value)) onTrigger(cause);
    }
  };
  read().then(
    () => onEnd(),
    (error) => onEnd(isLeft ? undefined : { error }),
  );
  return () => {
    isLeft = true;
    // Not awaited: an iterator with a pending read may never settle this.
    Promise.resolve(iterator.return?.()).catch(() => {});
  };
}

/** The time of a trigger in microseconds since 1970; undefined if it has none. */
export function timeUsOf({ flow, timeMs }: FlightTrigger): number | undefined {
  if (timeMs !== undefined) return Math.round(timeMs * 1000);
  const time = flow?.time;
  return time && Number(time.seconds) * 1_000_000 + Math.floor(time.nanos / 1000);
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
