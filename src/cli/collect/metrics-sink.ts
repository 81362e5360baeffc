import { messageOf } from "../../errors/message.js";
import type { FlowMetrics } from "../../metrics/index.js";
import { type FlowSink, type RefusedEvent, RefusedEventsError } from "../../observer/events/flow-sink.js";

/** Counts events in Hubble's metrics. They are in memory: after a restart, counting begins anew, as Prometheus expects. */
export function openMetricsSink(metrics: FlowMetrics): FlowSink {
  let written = 0;
  let refusedEvents = 0;
  return {
    get stats() {
      return { written, refused: refusedEvents, failures: 0 };
    },
    async write(events) {
      const refused: RefusedEvent[] = [];
      for (const event of events) {
        try {
          metrics.observeResponse(event.bytes);
        } catch (error) {
          refused.push({ event, reason: messageOf(error) });
        }
      }
      written += events.length - refused.length;
      refusedEvents += refused.length;
      if (refused.length > 0) throw new RefusedEventsError(refused);
    },
    flush: async () => {},
    [Symbol.asyncDispose]: async () => metrics.close(),
  };
}
