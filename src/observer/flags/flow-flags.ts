import { checkOptions } from "../../errors/check-options.js";
import { required } from "../../errors/value-checks.js";
import type { HubbleRules } from "../../hubble/rules.js";
import { aHubbleVersion, DEFAULT_HUBBLE_VERSION, type HubbleVersion, rulesOf } from "../../hubble/version.js";
import type { Flag } from "./flag.js";

/** The headings of {@link FLOW_FLAGS}, in the order of Hubble's help. */
export const FLOW_FLAG_GROUPS = ["Selectors", "Filters", "Raw filters"] as const;

function selector<const Name extends string, const Value extends "boolean" | "string" | "uint64">(
  name: Name,
  value: Value,
  help: string,
  more: { readonly shorthand?: string; readonly placeholder?: string } = {},
) {
  return { name, value, group: "Selectors", help, ...more } as const;
}

function filter<const Name extends string>(
  name: Name,
  placeholder: string,
  help: string,
  more: { readonly shorthand?: string; readonly choices?: readonly string[] } = {},
) {
  return { name, value: "filter", placeholder, group: "Filters", help, ...more } as const;
}

/** A filter flag without an argument. A value given with `=` is ignored, even `false`. */
function bareFilter<const Name extends string>(
  name: Name,
  bare: string,
  help: string,
  more: { readonly shorthand?: string } = {},
) {
  return { name, value: "filter", bare, group: "Filters", help, ...more } as const;
}

/** The three flags for the source, either end, and the destination of a flow. */
function ends<const Name extends string>(
  name: Name,
  placeholder: string,
  what: string,
  more: { readonly shorthand?: string } = {},
) {
  return [
    filter(`from-${name}`, placeholder, `Flows whose source ${what}.`),
    filter(name, placeholder, `Flows whose source or destination ${what}.`, more),
    filter(`to-${name}`, placeholder, `Flows whose destination ${what}.`),
  ] as const;
}

const TIME = "a duration before now (90s, 1h30m), or a time (2021-11-10, 2021-11-10T10:41:00Z)";

const TABLE = [
  selector("all", "boolean", "All existing flows."),
  selector("last", "uint64", "The last N flows.", { placeholder: "N" }),
  selector("first", "uint64", "The first N flows.", { placeholder: "N" }),
  selector("follow", "boolean", "Print existing flows, then new ones until interrupted.", { shorthand: "f" }),
  selector("since", "string", `Flows at or after ${TIME}.`, { placeholder: "TIME" }),
  selector("until", "string", `Flows at or before ${TIME}; not with --follow.`, { placeholder: "TIME" }),

  bareFilter("not", "true", "Exclude the flows that the next filter flag selects."),
  filter("uuid", "ID", "The flow with this identifier."),
  filter("node-name", "[CLUSTER/]NODE", "Flows observed on nodes with this name; * matches any characters."),
  filter("node-label", "SELECTOR", "Flows observed on nodes whose labels match the selector."),
  ...ends("cluster", "CLUSTER", "is in the cluster with this name"),
  filter("protocol", "PROTOCOL", "Flows of this protocol.", {
    choices: ["icmp", "icmpv4", "icmpv6", "tcp", "udp", "sctp", "dns", "http", "kafka", "vrrp", "igmp"],
  }),
  filter("tcp-flags", "FLAG,...", "TCP flows with all of these flags set, such as SYN,ACK."),
  filter(
    "type",
    "TYPE[:SUB]",
    "Events of this type or number, and subtype: an observation point (trace:to-endpoint) or a number.",
    { shorthand: "t", choices: ["drop", "capture", "trace", "policy-verdict", "trace-sock", "l7"] },
  ),
  filter("verdict", "VERDICT", "Flows with this verdict.", {
    choices: ["FORWARDED", "DROPPED", "ERROR", "AUDIT", "REDIRECTED", "TRACED", "TRANSLATED"],
  }),
  filter("drop-reason-desc", "REASON", "Flows dropped for this reason, such as POLICY_DENIED."),
  filter(
    "http-status",
    "STATUS",
    "HTTP flows with this status (404), or with one that begins with these digits (5+).",
  ),
  filter("http-method", "METHOD", "HTTP flows with this method, case-insensitive."),
  filter("http-path", "REGEX", "HTTP flows whose path contains a match of this regular expression."),
  filter("http-url", "REGEX", "HTTP flows whose URL contains a match of this regular expression."),
  filter("http-header", "NAME:VALUE", "HTTP flows with this header."),
  filter("trace-id", "ID", "Flows of this trace."),
  filter("ip-trace-id", "NUMBER", "Flows whose packets have this trace number in an IP option."),
  bareFilter("encrypted", "true", "Flows whose packets were encrypted."),
  bareFilter("unencrypted", "true", "Flows whose packets were not encrypted."),
  ...ends("fqdn", "NAME", "has this DNS name; * matches any characters"),
  ...ends("ip", "ADDRESS", "has this address, or one in this prefix (10.0.0.0/8)"),
  filter(
    "snat-ip",
    "ADDRESS",
    "Flows whose source was translated to this address, or to one in this prefix.",
  ),
  bareFilter("ipv4", "v4", "IPv4 flows.", { shorthand: "4" }),
  bareFilter("ipv6", "v6", "IPv6 flows.", { shorthand: "6" }),
  filter("ip-version", "VERSION", "Flows of this IP version; any other value: flows without IP.", {
    choices: ["v4", "v6"],
  }),
  ...ends("pod", "[NAMESPACE/]NAME", "is a pod with this name prefix, in the namespace or in default"),
  ...ends("namespace", "NAMESPACE", "is in this namespace", { shorthand: "n" }),
  bareFilter("from-all-namespaces", "true", "Flows whose source is in any namespace."),
  bareFilter("all-namespaces", "true", "Flows whose source or destination is in any namespace.", {
    shorthand: "A",
  }),
  bareFilter("to-all-namespaces", "true", "Flows whose destination is in any namespace."),
  ...ends("label", "SELECTOR", "has labels that match the selector (app=web,tier!=db; reserved:world)", {
    shorthand: "l",
  }),
  ...ends(
    "service",
    "[NAMESPACE/]NAME",
    "is a service with this name prefix, in the namespace or in default",
  ),
  ...ends("port", "PORT", "uses this port"),
  ...ends("workload", "[KIND/]NAME", "belongs to this workload"),
  ...ends("identity", "IDENTITY", "has this security identity: a number, or a reserved name such as world"),
  filter("traffic-direction", "DIRECTION", "Flows in this direction.", { choices: ["ingress", "egress"] }),
  filter("cel-expression", "EXPRESSION", "Flows for which this CEL expression over _flow is true."),
  filter("interface", "NAME", "Flows observed on the network interface with this name."),

  {
    name: "allowlist",
    value: "strings",
    placeholder: "JSON",
    group: "Raw filters",
    help: "FlowFilters as JSON: flows that match one of them, or the filter flags. Environment: HUBBLE_ALLOWLIST.",
  },
  {
    name: "denylist",
    value: "strings",
    placeholder: "JSON",
    group: "Raw filters",
    help: "FlowFilters as JSON: flows that match none of them. Environment: HUBBLE_DENYLIST.",
  },
] as const satisfies readonly Flag[];

/** What `--cluster` does in each version. */
const CLUSTER_HELP: { readonly [K in HubbleRules["clusterFlag"]]: string } = {
  node: "Flows observed in clusters with this name; * matches any characters.",
  endpoint: "Flows whose source or destination is in the cluster with this name.",
};

/**
 * The flags of `hubble observe` that select flows, as the version explains them. All versions accept the same flags: those
 * of 1.19 only add to 1.16. Flags for output, files and servers belong to the command line; pass them to `parseFlowFlags`
 * as `extra`.
 *
 * @throws OptionsError for an unknown version.
 *
 * @example
 * ```ts
 * flowFlags("1.19").find(({ name }) => name === "cluster")?.help;
 * // "Flows whose source or destination is in the cluster with this name."
 * ```
 */
export function flowFlags(hubble: HubbleVersion = DEFAULT_HUBBLE_VERSION): readonly Flag[] {
  checkOptions("flowFlags", { hubble }, { hubble: required(aHubbleVersion) });
  return LISTS[rulesOf(hubble).clusterFlag];
}

function explained(help: string): readonly Flag[] {
  return TABLE.map((flag) => (flag.name === "cluster" ? { ...flag, help } : flag));
}

const LISTS: { readonly [K in HubbleRules["clusterFlag"]]: readonly Flag[] } = {
  node: explained(CLUSTER_HELP.node),
  endpoint: explained(CLUSTER_HELP.endpoint),
};

/** The flags of `flowFlags("1.16")`. */
export const FLOW_FLAGS: readonly Flag[] = LISTS.node;

/** The names of the filter flags, except `not`. */
export type FilterFlagName = Exclude<Extract<(typeof TABLE)[number], { value: "filter" }>["name"], "not">;
