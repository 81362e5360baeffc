import { checkArgument } from "../../errors/check-argument.js";
import { fieldsOf } from "../../errors/check-options.js";
import { aNumber, required } from "../../errors/value-checks.js";
import type { RecorderCounters } from "../../recorder/service/counters.js";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: (counters: RecorderCounters) => Readonly<Record<string, number>>;
}

const METRICS: readonly Metric[] = [
  {
    name: "flowscribe_recorder_calls",
    type: "gauge",
    help: "Record calls at this moment.",
    samples: ({ calls }) => ({ "": calls }),
  },
  {
    name: "flowscribe_recorder_recordings",
    type: "gauge",
    help: "Recordings at this moment.",
    samples: ({ running }) => ({ "": running }),
  },
  {
    name: "flowscribe_recorder_calls_total",
    type: "counter",
    help: "Record calls that have ended, by how.",
    samples: ({ stopped, failed, refused }) => ({
      '{result="stopped"}': stopped,
      '{result="failed"}': failed,
      '{result="refused"}': refused,
    }),
  },
  {
    name: "flowscribe_recorder_packets_captured_total",
    type: "counter",
    help: "Packets written.",
    samples: ({ packetsCaptured }) => ({ "": packetsCaptured }),
  },
  {
    name: "flowscribe_recorder_bytes_captured_total",
    type: "counter",
    help: "Packet bytes written, without headers.",
    samples: ({ bytesCaptured }) => ({ "": bytesCaptured }),
  },
  {
    name: "flowscribe_recorder_packets_lost_total",
    type: "counter",
    help: "Packets lost, by where.",
    samples: ({ packetsLostInQueue, packetsLostInKernel }) => ({
      '{where="queue"}': packetsLostInQueue,
      '{where="kernel"}': packetsLostInKernel,
    }),
  },
  {
    name: "flowscribe_recorder_bytes_lost_total",
    type: "counter",
    help: "Packet bytes lost in queues.",
    samples: ({ bytesLostInQueue }) => ({ "": bytesLostInQueue }),
  },
  {
    name: "flowscribe_recorder_stored_bytes",
    type: "gauge",
    help: "Bytes of recordings that count against the limit.",
    samples: ({ storedBytes }) => ({ "": storedBytes }),
  },
];

/** The content type of {@link formatMetrics}. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const someCounters = fieldsOf<RecorderCounters>({
  calls: required(aNumber),
  running: required(aNumber),
  stopped: required(aNumber),
  failed: required(aNumber),
  refused: required(aNumber),
  packetsCaptured: required(aNumber),
  bytesCaptured: required(aNumber),
  packetsLostInQueue: required(aNumber),
  bytesLostInQueue: required(aNumber),
  packetsLostInKernel: required(aNumber),
  storedBytes: required(aNumber),
});

/** Formats the counters of a recorder service in the Prometheus text format. */
export function formatMetrics(counters: RecorderCounters): string {
  checkArgument("formatMetrics", "counters", counters, someCounters);
  return METRICS.map(({ name, type, help, samples }) => {
    const lines = Object.entries(samples(counters)).map(([labels, value]) => `${name}${labels} ${value}\n`);
    return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }).join("");
}
