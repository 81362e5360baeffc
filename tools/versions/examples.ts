import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { compileFlowFilter, type FlowFilterInit, flowEvent } from "../../src/filter/index.js";
import type { HubbleRules } from "../../src/hubble/rules.js";
import { type HubbleVersion, rulesOf } from "../../src/hubble/version.js";
import {
  checkFieldMask,
  createFlowPrinter,
  type FormatFlowOptions,
  flowResponse,
  formatFlow,
  formatFlowFlags,
  type PrintableEvent,
  parseFlowFlags,
} from "../../src/observer/index.js";
import {
  AuthType,
  type Flow,
  FlowSchema,
  GetFlowsResponseSchema,
  LostEventSchema,
  LostEventSource,
  NodeState,
  Verdict,
} from "../../src/proto.js";

type FlowInit = Exclude<MessageInitShape<typeof FlowSchema>, Flow>;

/** One difference between the versions, with an example that is run for each of them. */
export interface VersionRow {
  readonly group: "Filters" | "Flags" | "Printing";
  /** One sentence or more. */
  readonly what: string;
  readonly input: string;
  readonly run: (hubble: HubbleVersion) => string;
}

/** Exhaustive: a new rule does not compile until it has an example. */
export const VERSION_ROWS: { readonly [K in keyof HubbleRules]: VersionRow } = {
  ipFilters: {
    group: "Filters",
    what:
      "Addresses and prefixes are read by Go's package net in 1.16, by net/netip in 1.19. For net, an IPv4-mapped IPv6 " +
      "address is an IPv4 address. netip keeps the families apart, accepts zones in addresses, and rejects prefix " +
      "lengths with leading zeros. Error texts differ.",
    ...matching(
      { sourceIp: ["0.0.0.0/0"] },
      { IP: { source: "::ffff:10.0.0.1" } },
      "flow from ::ffff:10.0.0.1",
    ),
  },
  evenCommasEndSet: {
    group: "Filters",
    what: "1.16 rejects a set of a label selector that ends with an even number of commas. 1.19 accepts any number of commas.",
    ...matching(
      { sourceLabel: ["app in (a,,)"] },
      { source: { labels: ["k8s:app=a"] } },
      "flow from an endpoint with the label k8s:app=a",
    ),
  },
  invalidCidrLabels: {
    group: "Filters",
    what:
      "Labels of the source cidr are compared as prefixes. If one of the two is not a prefix, 1.16 compares their text, " +
      "and 1.19 does not match.",
    ...matching(
      { sourceLabel: ["cidr:foo"] },
      { source: { labels: ["cidr:foo"] } },
      "flow from an endpoint with the label cidr:foo",
    ),
  },
  labelFaults: {
    group: "Filters",
    what: "Error texts of label selectors name characters in 1.16, bytes in 1.19. The limits are the same.",
    ...matching({ sourceLabel: [`app=${"x".repeat(64)}`] }, {}, "any flow"),
  },
  regexClasses: {
    group: "Filters",
    what:
      "The regular expressions of 1.19 know more classes: long names of categories, names in any case, `\\p{Cn}`, " +
      "`\\p{LC}`, `\\p{Assigned}` and `\\p{ASCII}`. In 1.19, `\\p{C}` includes unassigned code points.",
    ...matching(
      { dnsQuery: ["\\p{Letter}"] },
      { l7: { record: { case: "dns", value: { query: "a." } } } },
      "DNS query for a.",
    ),
  },
  urlHosts: {
    group: "Filters",
    what:
      "`http_path` does not match a URL that Go cannot parse. In 1.19, only an IPv6 address may be between the brackets of a " +
      "host.",
    ...matching(
      { httpPath: ["/x"] },
      { l7: { record: { case: "http", value: { url: "http://[10.0.0.1]/x" } } } },
      "HTTP request of http://[10.0.0.1]/x",
    ),
  },
  cel: {
    group: "Filters",
    what: "CEL expressions are read by cel-go 0.20 in 1.16, by cel-go 0.26 in 1.19. Results are the same, some error texts are not.",
    ...matching({ experimental: { celExpression: [""] } }, {}, "any flow"),
  },
  celNames: {
    group: "Filters",
    what: "CEL expressions of 1.16 cannot refer to messages, fields and enum values that are newer than 1.16.",
    ...matching({ experimental: { celExpression: ["!has(_flow.file)"] } }, {}, "any flow"),
  },
  jsonFaults: {
    group: "Filters",
    what: "Error texts for values of the wrong type in raw filters name the type in 1.16, the field in 1.19.",
    ...flags("--allowlist", '{"ip_trace_id":["x"]}'),
  },
  clusterFlag: {
    group: "Flags",
    what: "--cluster compares the cluster of the node in 1.16, those of the two endpoints in 1.19, where a name is not a pattern.",
    ...flags("--cluster", "prod"),
  },
  recorderEvents: {
    group: "Flags",
    what: "The event type recorder and the agent events of services are unknown in 1.19.",
    ...flags("--type", "recorder"),
  },
  fieldMaskFlags: {
    group: "Flags",
    what: "The names of the flags for field masks do not begin with experimental- in 1.19.",
    input: "the flag for a field mask",
    run: (hubble) => MASK_FLAG[rulesOf(hubble).fieldMaskFlags],
  },
  fieldMaskField: {
    group: "Flags",
    what: "A request has its field mask in another field. Fake servers of flowscribe/testing accept both.",
    input: "the field of GetFlowsRequest",
    run: (hubble) => MASK_FIELD[rulesOf(hubble).fieldMaskField],
  },
  masksByDefault: {
    group: "Flags",
    what:
      "1.19 requests only the fields of its default mask, for every format but JSON. They do not include the direction " +
      "and the policies of policy verdicts, which are therefore printed as unknown.",
    input: "hubble observe --server …",
    run: (hubble) => (rulesOf(hubble).masksByDefault ? "requests the default mask" : "requests all fields"),
  },
  fieldMaskFaults: {
    group: "Flags",
    what: "Error texts for field masks differ.",
    input: 'checkFieldMask(["source.podName"])',
    run: (hubble) =>
      checkFieldMask(["source.podName"], { hubble })
        .map(({ message }) => message)
        .join("\n"),
  },
  printsIpTraceId: {
    group: "Printing",
    what: "1.19 prints the trace number of the IP options before the summary, except in JSON.",
    ...printing({ Summary: "TCP Flags: SYN", ipTraceId: { traceId: 7n } }, "flow with the trace number 7"),
  },
  printsAuthInRecords: {
    group: "Printing",
    what: "1.19 prints the authentication in dict, too, as 1.16 does in compact and in tables.",
    ...printing(
      { Summary: "TCP Flags: SYN", authType: AuthType.SPIRE },
      "flow with the authentication SPIRE, dict",
      {
        output: "dict",
      },
    ),
  },
  printsLostEvents: {
    group: "Printing",
    what:
      "1.19 prints lost events in all formats. 1.16 only reports them with debug; the option lostEvents prints them, " +
      "without a time.",
    input: "12 events lost in the ring buffer",
    run: (hubble) => formatFlow(LOST, { hubble }),
  },
  escapes: {
    group: "Printing",
    what:
      "With rawControls, 1.16 prints control characters as they are. 1.19 prints ESC as `^[` and a carriage return as `\\r`, " +
      "and with colors it leaves the sequences of its own colors, also in names. Without rawControls, all control " +
      "characters are escaped for both.",
    input: "summary ESC [1m CR, with rawControls, as a JSON string",
    run: (hubble) =>
      JSON.stringify(formatFlow(flow({ Summary: "\x1b[1m\r" }), { hubble, rawControls: true })),
  },
  eventNames: {
    group: "Printing",
    what: "1.19 has names for the drop reasons 12 to 15 and 205, and for the trace points 12 (from-crypto) and 13 (to-crypto).",
    ...printing(
      { verdict: Verdict.DROPPED, eventType: { type: 1, subType: 205 } },
      "flow with the drop reason 205",
    ),
  },
  nodeStatusSeparator: {
    group: "Printing",
    what:
      "In dict, the line between records that precedes a node status is on standard output in 1.16, on standard error in " +
      "1.19.",
    input: "a flow, then a node status: what the second adds to standard output",
    run: (hubble) => {
      const printer = createFlowPrinter({ hubble, output: "dict" });
      printer.write(flow({}));
      return printer.write(NODE_STATUS).out;
    },
  },
};

const MASK_FLAG: { readonly [K in HubbleRules["fieldMaskFlags"]]: string } = {
  experimental: "--experimental-field-mask",
  stable: "--field-mask",
};

const MASK_FIELD: { readonly [K in HubbleRules["fieldMaskField"]]: string } = {
  experimental: "experimental.field_mask",
  request: "field_mask",
};

const LOST: PrintableEvent = create(LostEventSchema, {
  source: LostEventSource.HUBBLE_RING_BUFFER,
  numEventsLost: 12n,
});

const NODE_STATUS: PrintableEvent = create(GetFlowsResponseSchema, {
  responseTypes: { case: "nodeStatus", value: { stateChange: NodeState.NODE_UNAVAILABLE, nodeNames: ["n"] } },
});

function flow(init: FlowInit) {
  return create(FlowSchema, { IP: { source: "10.0.0.1", destination: "10.0.0.2" }, ...init });
}

/** Whether a filter matches a flow, or its faults. */
function matching(
  filter: FlowFilterInit,
  init: FlowInit,
  described: string,
): Pick<VersionRow, "input" | "run"> {
  return {
    input: `${JSON.stringify(filter)}, ${described}`,
    run: (hubble) =>
      resultOf(() =>
        compileFlowFilter(filter, { hubble })(flowEvent(flowResponse(flow(init))))
          ? "matches"
          : "does not match",
      ),
  };
}

/** The filters of flags, or the fault. */
function flags(...args: readonly string[]): Pick<VersionRow, "input" | "run"> {
  return {
    input: `hubble observe ${args.join(" ")}`,
    run: (hubble) => resultOf(() => formatFlowFlags(parseFlowFlags(args, { hubble }))),
  };
}

function printing(
  init: FlowInit,
  described: string,
  options: FormatFlowOptions = {},
): Pick<VersionRow, "input" | "run"> {
  return { input: described, run: (hubble) => formatFlow(flow(init), { ...options, hubble }) };
}

function resultOf(run: () => string): string {
  try {
    return run();
  } catch (error) {
    // Both functions throw errors only.
    return (error as Error).message;
  }
}
