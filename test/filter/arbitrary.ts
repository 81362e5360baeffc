import { create, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { FILTER_FIELDS, type FilterField, type FlowEvent } from "../../src/filter/index.js";
import {
  AgentEventSchema,
  DebugEventSchema,
  type Flow,
  type FlowFilterSchema,
  FlowSchema,
  LostEventSchema,
} from "../../src/proto.js";
import { arbitraryMessage } from "../support/arbitrary-message.js";

/** A filter as an init object: the form that tests write. */
export type FilterInit = MessageInitShape<typeof FlowFilterSchema> & { $typeName?: never };

/** Texts and numbers are few, so that filters and flows often meet. */
const ADDRESSES = [
  "10.0.0.1",
  "10.0.0.2",
  "10.9.0.1",
  "::1",
  "0:0:0:0:0:0:0:1",
  "fd00::1",
  "::ffff:10.0.0.1",
];
const PREFIXES = ["10.0.0.0/8", "10.0.0.0/24", "0.0.0.0/0", "::/0", "fd00::/8", "::ffff:10.0.0.0/120"];
const NAMESPACES = ["", "default", "a", "kube-system"];
const NAMES = ["", "a", "ab", "abc", "b", "web-1", "web-12"];
const FQDNS = ["", "a.io", "b.a.io", "a.io.", "A.io", "a_b.io"];
const CLUSTERS = ["", "one", "two"];
const UUIDS = ["", "u1", "u2"];
const HEADERS = [
  { key: "x", value: "1" },
  { key: "x", value: "" },
  { key: "X", value: "1" },
];

const someOf = <T>(values: readonly T[]) => fc.array(fc.constantFrom(...values), { maxLength: 3 });
const oneOf = <T>(values: readonly T[]) => fc.constantFrom(...values);

const port = oneOf([0, 53, 80, 443, 65535, 65616]);
const ports = { sourcePort: port, destinationPort: port };
const workload = fc.record({ name: oneOf(["", "web", "db"]), kind: oneOf(["", "Deployment", "Pod"]) });
const labels = someOf([
  "k8s:app=web",
  "k8s:app=db",
  "app=web",
  "reserved:host",
  "cidr:10.0.0.0/8",
  "k8s:n=7",
]);
const endpoint = fc.record(
  {
    identity: oneOf([0, 1, 2, 3]),
    namespace: oneOf(NAMESPACES),
    podName: oneOf(NAMES),
    clusterName: oneOf(CLUSTERS),
    labels,
    workloads: fc.array(workload, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const service = fc.record({ namespace: oneOf(NAMESPACES), name: oneOf(NAMES) }, { requiredKeys: [] });
const flags = fc.record(
  { SYN: fc.boolean(), ACK: fc.boolean(), FIN: fc.boolean(), NS: fc.boolean() },
  { requiredKeys: [] },
);
const interfaceOf = fc.record({ index: oneOf([0, 1, 2]), name: oneOf(["", "eth0", "lo"]) });

const layer4 = fc.oneof(
  fc.record({
    case: fc.constant("TCP" as const),
    value: fc.record({ ...ports, flags: fc.option(flags, { nil: undefined }) }),
  }),
  fc.record({ case: oneOf(["UDP", "SCTP"] as const), value: fc.record(ports) }),
  fc.record({
    case: oneOf(["ICMPv4", "ICMPv6", "VRRP", "IGMP"] as const),
    value: fc.constant({}),
  }),
);
const layer7 = fc.oneof(
  fc.record({
    case: fc.constant("http" as const),
    value: fc.record({
      code: oneOf([0, 5, 200, 404, 503]),
      method: oneOf(["", "GET", "get", "PUT"]),
      url: oneOf(["", "/v1/a", "http://h/v1?q", "%zz", "/%61"]),
      headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 2 }),
    }),
  }),
  fc.record({ case: fc.constant("dns" as const), value: fc.record({ query: oneOf(FQDNS) }) }),
  fc.record({ case: fc.constant("kafka" as const), value: fc.constant({}) }),
);

/** Flows with the values that {@link sensibleFilter} contains. */
export const sensibleFlow: fc.Arbitrary<Flow> = fc
  .record(
    {
      uuid: oneOf(UUIDS),
      verdict: oneOf([0, 1, 2, 77]),
      dropReasonDesc: oneOf([0, 130, 133]),
      isReply: oneOf([true, false, undefined]),
      trafficDirection: oneOf([0, 1, 2]),
      IP: fc.record(
        {
          source: oneOf(["", "no address", ...ADDRESSES]),
          destination: oneOf(["", ...ADDRESSES]),
          sourceXlated: oneOf(["", ...ADDRESSES]),
          ipVersion: oneOf([0, 1, 2]),
          encrypted: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
      l4: fc.record({ protocol: layer4 }),
      l7: fc.record({ record: layer7 }),
      source: endpoint,
      destination: endpoint,
      sourceService: service,
      destinationService: service,
      sourceNames: someOf(FQDNS),
      destinationNames: someOf(FQDNS),
      nodeName: oneOf(["", "n1", "default/n1", "c/n2", "a/b/c"]),
      nodeLabels: labels,
      eventType: fc.record({ type: oneOf([1, 4, 129]), subType: oneOf([0, 3]) }),
      interface: interfaceOf,
      traceContext: fc.record({ parent: fc.record({ traceId: oneOf(UUIDS) }) }, { requiredKeys: [] }),
      ipTraceId: fc.record({ traceId: oneOf([0n, 1n, 2n ** 64n - 1n]) }),
    },
    { requiredKeys: [] },
  )
  .map((init) => {
    const { isReply, ...rest } = init;
    return create(FlowSchema, isReply === undefined ? rest : init) as Flow;
  });

export const anyFlow: fc.Arbitrary<Flow> = fc.oneof(
  { arbitrary: sensibleFlow, weight: 3 },
  arbitraryMessage(FlowSchema),
);

/** Events of every kind. */
export const anyEvent: fc.Arbitrary<FlowEvent> = fc.oneof(
  { arbitrary: anyFlow, weight: 6 },
  arbitraryMessage(AgentEventSchema),
  arbitraryMessage(DebugEventSchema),
  arbitraryMessage(LostEventSchema),
  fc.constant(undefined),
);

const names = fc
  .tuple(oneOf(["", "default/", "a/", "/", "kube-system/", "/"]), oneOf(NAMES), oneOf(["", "", "/x"]))
  .map((parts) => parts.join(""))
  .filter((text) => text !== "");
const addressOrPrefix = oneOf([...ADDRESSES, ...PREFIXES]);
const selectors = oneOf([
  "app=web",
  "k8s:app in (web, db)",
  "!app",
  "",
  "any:n>5",
  "reserved:host",
  "app!=web",
  "app=web,n",
  "k8s:app=db,n=7",
  "n=7,app!=db",
  "cidr:10.0.0.0/8",
  "cidr:10.1.0.0/8,app",
]);
const fqdns = oneOf(["a.io", "*.a.io", "*", "a*", "b.*", "*.io", "b*io", "*a*", "B.A.io."]);
const portTexts = oneOf(["0", "53", "80", "443", "0443", "65535"]);
const regexes = oneOf([
  ...["", "^$", "^/v1", "a", "(?i)V1.A", "io\\.?$", "x{2,3}"],
  ...["^a\\.io$", "io$", "^/v1/a$", "^http:[^ ]*q$", "^(b|a)\\.", "^b.*io$", "(?m)^a", "^/a$"],
]);
const identities = oneOf([0, 1, 2, 3, 4]);

/** A value of each field that compiles. */
const elements = {
  uuid: oneOf(UUIDS),
  eventType: fc.record({
    type: oneOf([0, 1, 2, 129, 130]),
    matchSubType: fc.boolean(),
    subType: oneOf([0, 3]),
  }),
  verdict: oneOf([0, 1, 2, 77]),
  dropReasonDesc: oneOf([0, 130, 133]),
  reply: fc.boolean(),
  encrypted: fc.boolean(),
  sourceIdentity: identities,
  destinationIdentity: identities,
  protocol: oneOf(["tcp", "UDP", "icmp", "ICMPv6", "sctp", "dns", "http", "kafka", "vrrp", "igmp"]),
  sourceIp: addressOrPrefix,
  destinationIp: addressOrPrefix,
  sourceIpXlated: addressOrPrefix,
  sourcePod: names,
  destinationPod: names,
  sourceWorkload: workload,
  destinationWorkload: workload,
  sourceService: names,
  destinationService: names,
  sourceFqdn: fqdns,
  destinationFqdn: fqdns,
  dnsQuery: regexes,
  sourceLabel: selectors,
  destinationLabel: selectors,
  nodeLabels: selectors,
  sourcePort: portTexts,
  destinationPort: portTexts,
  httpStatusCode: oneOf(["200", "4+", "50+", "404"]),
  httpMethod: oneOf(["GET", "put"]),
  httpPath: regexes,
  httpUrl: regexes,
  httpHeader: oneOf(HEADERS),
  tcpFlags: flags,
  nodeName: oneOf(["n1", "default/n1", "/n*", "c/", "*/n2", "/", "c*/*2", "def*/", "*t/n1"]),
  sourceClusterName: oneOf(["one", "two"]),
  destinationClusterName: oneOf(["one", "two"]),
  ipVersion: oneOf([0, 1, 2]),
  traceId: oneOf(UUIDS),
  trafficDirection: oneOf([0, 1, 2]),
  interface: interfaceOf,
  ipTraceId: oneOf([0n, 1n, 2n ** 64n - 1n]),
} satisfies { readonly [K in Exclude<FilterField, "experimental">]: fc.Arbitrary<unknown> };

export const LIST_FIELDS: readonly (keyof typeof elements)[] = FILTER_FIELDS.filter(
  (field) => field !== "experimental",
);

const HTTP_FIELDS: readonly string[] = ["httpStatusCode", "httpMethod", "httpPath", "httpUrl", "httpHeader"];

function filterWith(fields: readonly (keyof typeof elements)[]): fc.Arbitrary<FilterInit> {
  const model = Object.fromEntries(
    fields.map((field): [string, fc.Arbitrary<unknown[]>] => [
      field,
      fc.array(elements[field] as fc.Arbitrary<unknown>, { maxLength: 3 }),
    ]),
  );
  // Each element was made for the field of that name.
  return fc.record(model).map((init) => withLayer7Events(init) as FilterInit);
}

/** Fields of HTTP need events of layer 7 among the types, if there are any. */
function withLayer7Events(filter: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const types = filter.eventType as unknown[] | undefined;
  const isHttp = HTTP_FIELDS.some((field) => filter[field] !== undefined);
  if (types === undefined || types.length === 0 || !isHttp) return filter;
  return { ...filter, eventType: [...types, { type: 129 }] };
}

/** Filters of a few fields that compile. */
export const sensibleFilter: fc.Arbitrary<FilterInit> = fc
  .subarray([...LIST_FIELDS], { maxLength: 3 })
  .chain(filterWith);

type ElementField = keyof typeof elements;

/** Filters that an index can find: of one field mostly, sometimes of several, or without fields. */
function keyedFilter(field: ElementField): fc.Arbitrary<FilterInit> {
  const keyed = (name: ElementField) =>
    fc
      .array(elements[name] as fc.Arbitrary<unknown>, { minLength: 1, maxLength: 3 })
      .map((values) => ({ [name]: values }));
  const other = fc.constantFrom(...LIST_FIELDS).chain(keyed);
  const joined = (others: fc.Arbitrary<object>) =>
    fc.tuple(keyed(field), others).map(([one, another]) => ({ ...another, ...one }));
  return fc
    .oneof(
      { arbitrary: keyed(field), weight: 6 },
      { arbitrary: joined(other), weight: 3 },
      { arbitrary: joined(sensibleFilter), weight: 1 },
      { arbitrary: other, weight: 2 },
      { arbitrary: sensibleFilter.filter((filter) => Object.keys(filter).length > 0), weight: 1 },
    )
    .map((init) => withLayer7Events(init as Readonly<Record<string, unknown>>) as FilterInit);
}

/** Lists in which most filters have the given field. */
export function keyedFiltersOf(field: ElementField): fc.Arbitrary<FilterInit[]> {
  const filter = keyedFilter(field);
  // Short lists seldom have a filter that matches every flow.
  return fc.oneof(
    fc.array(filter, { minLength: 1, maxLength: 12, size: "max" }),
    fc.array(filter, { minLength: 1, maxLength: 60, size: "max" }),
  );
}

/** Lists in which most filters have the same field. */
export const keyedFilters: fc.Arbitrary<FilterInit[]> = fc.constantFrom(...LIST_FIELDS).chain(keyedFiltersOf);

/** Lists of filters that all have the same two fields, so that filters that share a value of one differ in the other. */
export const twoKeyFilters: fc.Arbitrary<FilterInit[]> = fc
  .tuple(fc.constantFrom(...LIST_FIELDS), fc.constantFrom(...LIST_FIELDS))
  .chain(([first, second]) =>
    fc.array(
      fc
        .record({
          [first]: fc.array(elements[first] as fc.Arbitrary<unknown>, { minLength: 1, maxLength: 2 }),
          [second]: fc.array(elements[second] as fc.Arbitrary<unknown>, { minLength: 1, maxLength: 2 }),
        })
        .map((init) => withLayer7Events(init) as FilterInit),
      { minLength: 8, maxLength: 80, size: "max" },
    ),
  );

/** A filter with every field of a flow that filters can compare, each with the flow's own value: the flow matches it. */
export function ownFilter(flow: Flow): FilterInit {
  const { IP, l4, l7, source, destination } = flow;
  const has = <T>(value: T | undefined): value is T => value !== undefined;
  const list = <T>(value: T | undefined) => (has(value) ? [value] : []);
  const address = (text: string | undefined) => (text && ADDRESSES.includes(text) ? [text] : []);
  const name = (one: { namespace: string } | undefined, ending: string | undefined) =>
    one && (one.namespace || ending) ? [`${one.namespace}/${ending?.split("/")[0]}`] : [];
  const transport = l4?.protocol;
  const hasPorts = transport?.case === "TCP" || transport?.case === "UDP" || transport?.case === "SCTP";
  const http = l7?.record.case === "http" ? l7.record.value : undefined;
  const text = (value: string | undefined) => (value ? [value] : []);
  return {
    uuid: [flow.uuid],
    verdict: [flow.verdict],
    dropReasonDesc: flow.verdict === 2 ? [flow.dropReasonDesc] : [],
    reply: list(flow.isReply),
    encrypted: [IP?.encrypted ?? false],
    sourceIdentity: list(source?.identity),
    destinationIdentity: list(destination?.identity),
    protocol: has(transport?.case) ? [transport.case] : [],
    sourceIp: address(IP?.source),
    destinationIp: address(IP?.destination),
    sourceIpXlated: address(IP?.sourceXlated),
    sourcePod: source?.namespace.includes("/") ? [] : name(source, source?.podName),
    destinationPod: destination?.namespace.includes("/") ? [] : name(destination, destination?.podName),
    sourceWorkload: source?.workloads ?? [],
    destinationWorkload: destination?.workloads ?? [],
    sourcePort: hasPorts ? [String(transport.value.sourcePort & 0xffff)] : [],
    destinationPort: hasPorts ? [String(transport.value.destinationPort & 0xffff)] : [],
    httpMethod: text(http?.method),
    httpHeader: http?.headers ?? [],
    tcpFlags: transport?.case === "TCP" ? list(transport.value.flags) : [],
    sourceClusterName: text(source?.clusterName),
    destinationClusterName: text(destination?.clusterName),
    ipVersion: [IP?.ipVersion ?? 0],
    traceId: [flow.traceContext?.parent?.traceId ?? ""],
    trafficDirection: [flow.trafficDirection],
    interface: list(flow.interface),
    ipTraceId: [flow.ipTraceId?.traceId ?? 0n],
  };
}

/** A flow and filters, some of whose values are the flow's. */
export const flowAndFilter: fc.Arbitrary<{ flow: Flow; filter: FilterInit }> = anyFlow.chain((flow) =>
  fc
    .tuple(
      sensibleFilter,
      fc.subarray(Object.keys(ownFilter(flow)) as (keyof FilterInit)[], { maxLength: 4 }),
      fc.boolean(),
    )
    .map(([filter, names, isMixed]) => {
      const own = Object.fromEntries(
        Object.entries(ownFilter(flow)).filter(([name]) => names.includes(name as keyof FilterInit)),
      );
      if (!isMixed) return { flow, filter: own as FilterInit };
      const merged: Record<string, unknown> = { ...filter };
      for (const [name, values] of Object.entries(own)) {
        merged[name] = [...((merged[name] as unknown[] | undefined) ?? []), ...(values as unknown[])];
      }
      return { flow, filter: withLayer7Events(merged) as FilterInit };
    }),
);

/** Messages without their type names: init objects. */
export function withoutTypes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypes);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([name]) => !name.startsWith("$"));
  return Object.fromEntries(entries.map(([name, content]) => [name, withoutTypes(content)]));
}
