import { L7FlowType } from "../../gen/flow/flow_pb.js";
import type { MetricType } from "./handler.js";
import { secondsOf } from "./http.js";
import { reporterOf } from "./names.js";

/** `kafka`: requests by topic. */
export const kafka: MetricType = {
  options: {},
  create({ labels, counter, histogram }) {
    const requests = counter(
      "hubble_kafka_requests_total",
      "Count of Kafka requests",
      ["topic", "api_key", "error_code", "reporter"],
      "first",
    );
    const duration = histogram(
      "hubble_kafka_request_duration_seconds",
      "Histogram of Kafka request duration in seconds",
      ["topic", "api_key", "reporter"],
      "first",
    );
    const at = labels.names.length;
    const message = ["topic", "api_key", "error_code"].map((field) => `l7.kafka.${field}`);
    return {
      reads: ["l7.type", "l7.latency_ns", ...message, "traffic_direction", ...labels.reads],
      observe(flow) {
        const { l7 } = flow;
        if (l7?.record.case !== "kafka" || l7.type !== L7FlowType.REQUEST) return;
        const { topic, apiKey, errorCode } = l7.record.value;
        const reporter = reporterOf(flow.trafficDirection);
        const { values } = requests;
        labels.write(flow, values, 0);
        values[at] = topic;
        values[at + 1] = apiKey;
        // The number; Hubble has the character with this number, which is a control character.
        values[at + 2] = errorCode;
        values[at + 3] = reporter;
        requests.add(1);
        labels.write(flow, duration.values, 0);
        duration.values[at] = topic;
        duration.values[at + 1] = apiKey;
        duration.values[at + 2] = reporter;
        duration.observe(secondsOf(l7.latencyNs));
      },
    };
  },
};
