import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilter, compileFlowFilters } from "../../../src/filter/index.js";
import { INDEX_SIZE } from "../../../src/filter/list-index/compile-group.js";
import { AgentEventSchema, DebugEventSchema, FlowSchema, LostEventSchema } from "../../../src/proto.js";
import type { FilterInit } from "../arbitrary.js";

const flow = create(FlowSchema, {
  uuid: "u1",
  verdict: 2,
  dropReasonDesc: 130,
  trafficDirection: 1,
  IP: {
    source: "10.0.0.1",
    destination: "fd00::1",
    sourceXlated: "::ffff:192.0.2.1",
    ipVersion: 1,
    encrypted: true,
  },
  l4: {
    protocol: {
      case: "TCP",
      value: { sourcePort: 65616, destinationPort: 443, flags: { SYN: true, ACK: true } },
    },
  },
  l7: {
    record: {
      case: "http",
      value: {
        code: 404,
        method: "Get",
        url: "/v1",
        headers: [
          { key: "a", value: "" },
          { key: "x", value: "1" },
        ],
      },
    },
  },
  source: {
    identity: 7,
    namespace: "a",
    podName: "web-1",
    clusterName: "one",
    labels: ["k8s:app=web", "k8s:n=7", "reserved:host"],
    workloads: [
      { name: "api", kind: "Pod" },
      { name: "web", kind: "Deployment" },
    ],
  },
  destination: { identity: 0, podName: "db", labels: ["cidr:10.1.0.0/16"] },
  sourceService: { namespace: "a", name: "svc" },
  destinationService: { name: "svc" },
  sourceNames: ["x.io", "b.a.io"],
  destinationNames: ["a.io"],
  nodeName: "c/n2",
  nodeLabels: ["zone=z1"],
  eventType: { type: 129, subType: 3 },
  interface: { index: 2, name: "eth0" },
  traceContext: { parent: { traceId: "t1" } },
  ipTraceId: { traceId: 2n ** 64n - 1n },
});

interface Case {
  readonly field: string;
  /** Values that match the flow. */
  readonly hits: readonly unknown[];
  readonly misses: readonly unknown[];
  /** Other values that do not match, as many as are needed. */
  readonly fill: (index: number) => unknown;
}

const CASES: readonly Case[] = [
  { field: "uuid", hits: ["u1"], misses: ["", "u"], fill: (index) => `v${index}` },
  {
    field: "sourceIp",
    hits: ["10.0.0.1", "10.0.0.0/31", "0.0.0.0/0", "::ffff:10.0.0.0/104"],
    misses: ["10.0.0.2", "10.0.0.0/32", "::/0", "::ffff:10.0.0.0/40"],
    fill: (index) => (index % 2 ? `10.1.0.${index}` : `10.1.${index}.0/24`),
  },
  {
    field: "destinationIp",
    hits: ["fd00::1", "fd00::/8", "::/0", "fd00::1/128"],
    misses: ["fd00:0::1", "0.0.0.0/0", "fd00::2/127"],
    fill: (index) => (index % 2 ? `fd01::${index}` : `fd01::${index}:0/112`),
  },
  {
    field: "sourceIpXlated",
    hits: ["::ffff:192.0.2.1", "192.0.2.0/24"],
    misses: ["192.0.2.1", "::/0"],
    fill: (index) => `10.1.0.${index}`,
  },
  { field: "sourceIdentity", hits: [7], misses: [0, 8], fill: (index) => 100 + index },
  { field: "destinationIdentity", hits: [0], misses: [7], fill: (index) => 100 + index },
  {
    field: "sourcePort",
    hits: ["80", "0080"],
    misses: ["65535", "443"],
    fill: (index) => String(100 + index),
  },
  { field: "destinationPort", hits: ["443"], misses: ["80"], fill: (index) => String(1000 + index) },
  {
    field: "sourcePod",
    hits: ["a/web", "a/", "/we", "a/web-1"],
    misses: ["a/web-2", "web", "b/"],
    fill: (index) => `n${index}/x`,
  },
  { field: "destinationPod", hits: ["/d"], misses: ["a/db", "db"], fill: (index) => `n${index}/x` },
  { field: "sourceService", hits: ["a/s", "/svc"], misses: ["b/svc", "svc"], fill: (index) => `n${index}/x` },
  { field: "destinationService", hits: ["/svc"], misses: ["default/svc"], fill: (index) => `n${index}/x` },
  {
    field: "sourceWorkload",
    hits: [{ name: "web" }, { kind: "Pod" }, { name: "api", kind: "Pod" }, {}],
    misses: [{ name: "api", kind: "Deployment" }, { kind: "Job" }],
    fill: (index) => ({ name: `app-${index}` }),
  },
  {
    field: "sourceFqdn",
    hits: ["x.io", "*.a.io", "b.*", "b*io", "B.A.IO."],
    misses: ["io", "a.io", "*.b.io", "a*", "x*a"],
    fill: (index) => `h${index}.com`,
  },
  { field: "destinationFqdn", hits: ["a.io", "*"], misses: ["*.a.io"], fill: (index) => `*.h${index}.com` },
  {
    field: "nodeName",
    hits: ["c/n2", "n2", "/n*", "c/", "*/n2", "c*/*2", "*"],
    misses: ["d/n2", "default/n2", "n1", "n", "d*/n2"],
    fill: (index) => `x${index}`,
  },
  {
    field: "sourceLabel",
    hits: ["app=web", "k8s:app in (a, web)", "n>5", "app", "app=web,n=7", "reserved:host", "app=web,n!=8"],
    misses: ["app=db", "any:n>7", "app=web,n=8", "reserved:world", "!app"],
    fill: (index) => `app=a${index}`,
  },
  {
    field: "destinationLabel",
    hits: ["cidr:10.0.0.0/8", "cidr:10.1.0.0/16"],
    misses: ["cidr:10.1.0.0/24"],
    fill: (index) => `cidr:11.${index}.0.0/16`,
  },
  { field: "nodeLabels", hits: ["zone=z1"], misses: ["zone=z2"], fill: (index) => `key${index}` },
  { field: "verdict", hits: [2], misses: [1], fill: (index) => 100 + index },
  { field: "dropReasonDesc", hits: [130], misses: [131], fill: (index) => 200 + index },
  { field: "reply", hits: [false], misses: [true], fill: () => true },
  { field: "encrypted", hits: [true], misses: [false], fill: () => false },
  { field: "trafficDirection", hits: [1], misses: [2], fill: (index) => 3 + index },
  { field: "ipVersion", hits: [1], misses: [0], fill: (index) => 3 + index },
  { field: "protocol", hits: ["tcp", "http"], misses: ["udp", "dns"], fill: () => "sctp" },
  {
    field: "tcpFlags",
    hits: [{}, { SYN: true }, { SYN: true, ACK: true }],
    misses: [{ FIN: true }, { SYN: true, RST: true }],
    fill: () => ({ URG: true }),
  },
  {
    field: "httpStatusCode",
    hits: ["404", "40+", "4+"],
    misses: ["403", "41+", "5+"],
    fill: (index) => String(500 + index),
  },
  { field: "httpMethod", hits: ["GET", "get"], misses: ["GE"], fill: (index) => `M${index}` },
  {
    field: "httpUrl",
    hits: ["^/v1$", "^/v", "1$", "v", "^/.*1$"],
    misses: ["^/v2$", "^v1", "/$", "^/v1/"],
    fill: (index) => `^/w${index}$`,
  },
  { field: "httpPath", hits: ["^/v1$"], misses: ["^/v$"], fill: (index) => `^/w${index}/` },
  {
    field: "httpHeader",
    hits: [
      { key: "x", value: "1" },
      { key: "a", value: "" },
    ],
    misses: [
      { key: "x", value: "" },
      { key: "a", value: "1" },
      { key: "X", value: "1" },
    ],
    fill: (index) => ({ key: "x", value: `v${index}` }),
  },
  { field: "sourceClusterName", hits: ["one"], misses: ["on"], fill: (index) => `c${index}` },
  {
    field: "eventType",
    hits: [
      { type: 129 },
      { type: 129, matchSubType: true, subType: 3 },
      { matchSubType: true, subType: 3 },
      {},
    ],
    misses: [{ type: 4 }, { type: 129, matchSubType: true }, { matchSubType: true, subType: 4 }],
    fill: (index) => ({ type: 5 + index }),
  },
  {
    field: "interface",
    hits: [{ index: 2 }, { name: "eth0" }, { index: 2, name: "eth0" }, {}],
    misses: [
      { index: 2, name: "eth1" },
      { index: 3, name: "eth0" },
    ],
    fill: (index) => ({ name: `lxc${index}` }),
  },
  { field: "traceId", hits: ["t1"], misses: [""], fill: (index) => `x${index}` },
  { field: "ipTraceId", hits: [2n ** 64n - 1n], misses: [0n, 1n], fill: (index) => BigInt(10 + index) },
];

/** Around the number of filters from which on lists are indexed. */
const SIZES = [0, INDEX_SIZE - 2, INDEX_SIZE - 1, INDEX_SIZE, 3 * INDEX_SIZE];

describe("compileFlowFilters: an index by one field", () => {
  const filterOf = (field: string, ...values: unknown[]) => ({ [field]: values }) as FilterInit;

  test.each(CASES)("finds filters by $field", ({ field, hits, misses, fill }) => {
    for (const size of SIZES) {
      const fillers = Array.from({ length: size }, (_, index) => filterOf(field, fill(index)));
      const passes = (...filters: FilterInit[]) => {
        const allowed = compileFlowFilters({ allow: [...fillers, ...filters, ...fillers] })(flow);
        expect(compileFlowFilters({ deny: [...filters, ...fillers] })(flow)).toBe(!allowed);
        return allowed;
      };
      for (const hit of hits) {
        expect(compileFlowFilter(filterOf(field, hit))(flow)).toBe(true);
        expect(passes(filterOf(field, hit))).toBe(true);
        expect(passes(filterOf(field, ...misses, hit, hit))).toBe(true);
        expect(passes({ ...filterOf(field, hit), experimental: { celExpression: ["false"] } })).toBe(false);
      }
      if (size > 0) expect(passes(...misses.map((miss) => filterOf(field, miss)))).toBe(false);
    }
  });

  test.each(CASES)("finds filters that share a value by $field", ({ field, hits, misses, fill }) => {
    // A field that all filters share, unless it is the one that is tested.
    const shared = field === "sourceIdentity" ? { destinationIdentity: [0] } : { sourceIdentity: [7] };
    const other = field === "sourceIdentity" ? { destinationIdentity: [1] } : { sourceIdentity: [8] };
    const fillers = Array.from({ length: 20 }, (_, index) => ({
      ...filterOf(field, fill(index)),
      ...shared,
    }));
    const passes = (filter: FilterInit) => compileFlowFilters({ allow: [...fillers, filter] })(flow);
    for (const hit of hits) {
      expect(passes({ ...filterOf(field, hit), ...shared })).toBe(true);
      expect(passes({ ...filterOf(field, hit), ...other })).toBe(false);
    }
    for (const miss of misses) expect(passes({ ...filterOf(field, miss), ...shared })).toBe(false);
  });

  test.each(CASES)("does not match an empty flow by a value of $field that it lacks", ({ field, fill }) => {
    const fillers = Array.from({ length: 20 }, (_, index) => filterOf(field, fill(index)));
    const empty = create(FlowSchema);
    const alone = fillers.some((filter) => compileFlowFilter(filter)(empty));
    expect(compileFlowFilters({ allow: fillers })(empty)).toBe(alone);
  });
});

describe("compileFlowFilters: special values in an index", () => {
  const http = (value: { code?: number; url?: string }) =>
    create(FlowSchema, { l7: { record: { case: "http", value } } });
  const nodes = Array.from({ length: 10 }, (_, index) => ({ nodeName: [`x${index}/`] }));
  const codes = Array.from({ length: 10 }, (_, index) => ({ httpStatusCode: [String(510 + index)] }));
  const urls = Array.from({ length: 10 }, (_, index) => ({ httpUrl: [`^/${index}`] }));

  test.each([
    {
      name: "a node without a cluster",
      fill: nodes,
      filter: { nodeName: ["default/"] },
      other: create(FlowSchema, { nodeName: "n1" }),
    },
    {
      name: "part of a default cluster",
      fill: nodes,
      filter: { nodeName: ["def*/"] },
      other: create(FlowSchema, { nodeName: "n1" }),
    },
    {
      name: "a node with slashes",
      fill: nodes,
      filter: { nodeName: ["a/"] },
      other: create(FlowSchema, { nodeName: "a/b/c" }),
    },
    {
      name: "a code by one digit",
      fill: codes,
      filter: { httpStatusCode: ["4+"] },
      other: http({ code: 450 }),
    },
    {
      name: "a code by two digits",
      fill: codes,
      filter: { httpStatusCode: ["45+"] },
      other: http({ code: 459 }),
    },
    {
      name: "a code of four digits",
      fill: codes,
      filter: { httpStatusCode: ["45+"] },
      other: http({ code: 4567 }),
    },
    {
      name: "another code of four digits",
      fill: codes,
      filter: { httpStatusCode: ["456"] },
      other: http({ code: 4567 }),
    },
    { name: "a short code", fill: codes, filter: { httpStatusCode: ["5+"] }, other: http({ code: 5 }) },
    { name: "code 0", fill: codes, filter: { httpStatusCode: ["5+"] }, other: http({}) },
    {
      name: "an unpaired surrogate",
      fill: urls,
      filter: { httpUrl: ["^/\ufffd"] },
      other: http({ url: "/\ud800" }),
    },
    {
      name: "an unpaired surrogate in a pattern",
      fill: urls,
      filter: { httpUrl: ["\ud800$"] },
      other: http({ url: "/\ufffd" }),
    },
    {
      name: "a pair of surrogates",
      fill: urls,
      filter: { httpUrl: ["\u{1f600}$"] },
      other: http({ url: "/\ud83d\u{1f600}" }),
    },
    {
      name: "half of a pair of surrogates",
      fill: urls,
      filter: { httpUrl: ["^/\ud83d"] },
      other: http({ url: "/\u{1f600}" }),
    },
    { name: "a line feed", fill: urls, filter: { httpUrl: ["^/a.*b$"] }, other: http({ url: "/a\nb" }) },
    { name: "lines", fill: urls, filter: { httpUrl: ["(?m)^b$"] }, other: http({ url: "/a\nb" }) },
  ] as { name: string; fill: FilterInit[]; filter: FilterInit; other: typeof flow }[])(
    "match as alone: $name",
    ({ fill, filter, other }) => {
      expect(compileFlowFilters({ allow: [...fill, filter] })(other)).toBe(compileFlowFilter(filter)(other));
      expect(compileFlowFilters({ allow: fill })(other)).toBe(false);
    },
  );
});

describe("compileFlowFilters: many filters for events that are not flows", () => {
  const events = [
    undefined,
    create(LostEventSchema),
    ...[0, 3, 300, -1].map((type) => create(AgentEventSchema, { type })),
    ...[0, 3, 300, -1].map((type) => create(DebugEventSchema, { type })),
  ];

  test.each([
    { name: "event types", filter: { eventType: [{ type: 130, matchSubType: true, subType: 3 }] } },
    { name: "large event types", filter: { eventType: [{ type: 2, matchSubType: true, subType: 300 }] } },
    { name: "negative event types", filter: { eventType: [{ matchSubType: true, subType: -1 }] } },
    { name: "trace IDs", filter: { traceId: [""] } },
    { name: "labels", filter: { sourceLabel: ["!a"] } },
    { name: "verdicts", filter: { verdict: [0] } },
  ] satisfies { name: string; filter: FilterInit }[])("match as alone: $name", ({ filter }) => {
    const fillers = Array.from({ length: 20 }, (_, index) => ({
      sourceLabel: [`a=${index}`],
      traceId: ["x"],
    }));
    const alone = compileFlowFilter(filter);
    const listed = compileFlowFilters({ allow: [...fillers, { eventType: [{ type: 77 }] }, filter] });
    const isLost = (event: (typeof events)[number]) => event?.$typeName === "flow.LostEvent";
    for (const event of [...events, ...events]) expect(listed(event)).toBe(alone(event) || isLost(event));
  });
});
