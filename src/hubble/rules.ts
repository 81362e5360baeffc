/**
 * How a version of Hubble decides where versions differ. Code that depends on the version reads these rules
 * and never compares versions. `tools/versions` writes docs/versions.md from this table.
 */
export interface HubbleRules {
  // Filters.

  /**
   * The parser of addresses and prefixes in `source_ip`, `destination_ip` and `source_ip_xlated`: Go's package `net`, for
   * which an IPv4-mapped address is IPv4, or `net/netip`, which keeps the families apart.
   */
  readonly ipFilters: "net" | "netip";
  /** Whether a label selector accepts an even number of commas before the end of a set, as in `app in (a,,)`. */
  readonly evenCommasEndSet: boolean;
  /** How labels of source `cidr` whose key is not a prefix are compared: as text, or never equal. */
  readonly invalidCidrLabels: "text" | "unequal";
  /** The unit that error texts of label selectors name for lengths, and their name of a key with two slashes. */
  readonly labelFaults: "characters" | "bytes";
  /** The names of character classes in regular expressions: those of Go 1.23 or 1.26. */
  readonly regexClasses: "go1.23" | "go1.26";
  /** What Go accepts between brackets in the host of a URL: anything, or only IPv6 addresses. */
  readonly urlHosts: "go1.23" | "go1.26";
  /** The version of cel-go. */
  readonly cel: "0.20" | "0.26";
  /** The messages, fields and enum values to which CEL expressions can refer: those of the version. */
  readonly celNames: "1.16" | "1.19";
  /** Error texts for values of the wrong type in raw filters: with or without the name of the field. */
  readonly jsonFaults: "type" | "field";

  // Flags.

  /** What `--cluster` compares: the cluster of the node, or that of either endpoint. */
  readonly clusterFlag: "node" | "endpoint";
  /** Whether `-t recorder` and the agent events of services are known. */
  readonly recorderEvents: boolean;
  /** Names of the flags for field masks. */
  readonly fieldMaskFlags: "experimental" | "stable";
  /** The field of a request that holds the field mask. */
  readonly fieldMaskField: "experimental" | "request";
  /** Whether `hubble observe` requests only the fields that it prints, without a flag. */
  readonly masksByDefault: boolean;
  /** The beginning of error texts for field masks: that of the exporter, or that of the command line. */
  readonly fieldMaskFaults: "exporter" | "command line";

  // Printing.

  /** Whether the trace number of an IP option is printed before the summary. */
  readonly printsIpTraceId: boolean;
  /** Whether the authentication is printed in records (`dict`), as in the other formats. */
  readonly printsAuthInRecords: boolean;
  /** Whether lost events are printed, with their times, or only reported with `debug`. */
  readonly printsLostEvents: boolean;
  /** The control characters that are escaped: none, or ESC and CR. */
  readonly escapes: "none" | "esc-cr";
  /** The drop reasons and trace points that are printed by name instead of by number. */
  readonly eventNames: "1.16" | "1.19";
  /** Where the separator of a node status goes in records (`dict`). */
  readonly nodeStatusSeparator: "out" | "err";
}

/** The answers of each version, measured by running the programs. */
export const RULES = {
  "1.16": {
    ipFilters: "net",
    evenCommasEndSet: false,
    invalidCidrLabels: "text",
    labelFaults: "characters",
    regexClasses: "go1.23",
    urlHosts: "go1.23",
    cel: "0.20",
    celNames: "1.16",
    jsonFaults: "type",
    clusterFlag: "node",
    recorderEvents: true,
    fieldMaskFlags: "experimental",
    fieldMaskField: "experimental",
    masksByDefault: false,
    fieldMaskFaults: "exporter",
    printsIpTraceId: false,
    printsAuthInRecords: false,
    printsLostEvents: false,
    escapes: "none",
    eventNames: "1.16",
    nodeStatusSeparator: "out",
  },
  "1.19": {
    ipFilters: "netip",
    evenCommasEndSet: true,
    invalidCidrLabels: "unequal",
    labelFaults: "bytes",
    regexClasses: "go1.26",
    urlHosts: "go1.26",
    cel: "0.26",
    celNames: "1.19",
    jsonFaults: "field",
    clusterFlag: "endpoint",
    recorderEvents: false,
    fieldMaskFlags: "stable",
    fieldMaskField: "request",
    masksByDefault: true,
    fieldMaskFaults: "command line",
    printsIpTraceId: true,
    printsAuthInRecords: true,
    printsLostEvents: true,
    escapes: "esc-cr",
    eventNames: "1.19",
    nodeStatusSeparator: "err",
  },
} as const satisfies Readonly<Record<string, HubbleRules>>;
