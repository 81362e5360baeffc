import { dns } from "./dns.js";
import { drop } from "./drop.js";
import { flow } from "./flow.js";
import { flowsToWorld } from "./flows-to-world.js";
import type { MetricType } from "./handler.js";
import { http, httpV2 } from "./http.js";
import { icmp } from "./icmp.js";
import { kafka } from "./kafka.js";
import { policy } from "./policy.js";
import { portDistribution } from "./port-distribution.js";
import { tcp } from "./tcp.js";

const TABLE = {
  dns,
  drop,
  flow,
  "flows-to-world": flowsToWorld,
  http,
  httpV2,
  icmp,
  kafka,
  policy,
  "port-distribution": portDistribution,
  tcp,
} as const satisfies Readonly<Record<string, MetricType>>;

/** The name of a metric in the configuration, such as `httpV2`. */
export type MetricName = keyof typeof TABLE;

/** What each metric of the configuration is. */
export const METRIC_TYPES: { readonly [K in MetricName]: MetricType } = TABLE;

/** The names of the metrics that can be configured. */
export const METRIC_NAMES = Object.keys(TABLE) as readonly MetricName[];
