import { type LostEvent, LostEventSource, LostEventSourceSchema } from "../gen/flow/flow_pb.js";
import { enumNames } from "./handlers/names.js";
import { CounterMetric } from "./series/counter.js";

/** Sources that have a series from the start, so that the first loss is an increase. */
const SOURCES = [
  LostEventSource.PERF_EVENT_RING_BUFFER,
  LostEventSource.OBSERVER_EVENTS_QUEUE,
  LostEventSource.HUBBLE_RING_BUFFER,
];

/** Counts lost events by where they were lost. */
export class LostEvents {
  readonly metric = new CounterMetric({
    name: "hubble_lost_events_total",
    help: "Number of lost events",
    labelNames: ["source"],
    // A server cannot make them many: the number of an unknown source is an int32.
    maxSeries: 100,
  });
  readonly #sourceName = enumNames(LostEventSourceSchema);

  constructor() {
    for (const source of SOURCES) this.#add(source, 0);
  }

  observe({ source, numEventsLost }: LostEvent): void {
    this.#add(source, Number(numEventsLost));
  }

  #add(source: LostEventSource, count: number): void {
    this.metric.values[0] = this.#sourceName(source).toLowerCase();
    this.metric.add(count);
  }
}
