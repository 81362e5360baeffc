import type { HubbleRules } from "./rules.js";

/** Types of Cilium's monitor events: pkg/monitor/api/types.go. */
export const MONITOR_EVENT = {
  DROP: 1,
  CAPTURE: 3,
  TRACE: 4,
  POLICY_VERDICT: 5,
  TRACE_SOCK: 7,
  ACCESS_LOG: 129,
} as const;

const TRACE_POINTS = [
  "to-endpoint",
  "to-proxy",
  "to-host",
  "to-stack",
  "to-overlay",
  "from-endpoint",
  "from-proxy",
  "from-host",
  "from-stack",
  "from-overlay",
  "from-network",
  "to-network",
] as const;

/** Names of observation points, by the subtype of a trace event. */
export const TRACE_POINTS_OF: { readonly [K in HubbleRules["eventNames"]]: readonly string[] } = {
  "1.16": TRACE_POINTS,
  "1.19": [...TRACE_POINTS, "from-crypto", "to-crypto"],
};

/** Names of what a policy verdict matched, by `policy_match_type`. */
export const POLICY_MATCHES: readonly string[] = [
  "none",
  "L3-Only",
  "L3-L4",
  "L4-Only",
  "all",
  "L3-Proto",
  "Proto-Only",
];
