import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { checkFlowFilters, compileFlowFilters } from "../../../src/filter/index.js";
import { FLOW_FLAGS, formatFlowFlags, parseFlowFlags } from "../../../src/observer/flags/index.js";
import { DropReason, FlowSchema, Verdict } from "../../../src/proto.js";
import { amount, everyNth, nth } from "../../support/amount.js";
import { faultOf } from "./faults.js";

/** The filters in Hubble's JSON. */
function filtersOf(line: string | readonly string[]) {
  const args = typeof line === "string" ? line.split(" ").filter((arg) => arg !== "") : line;
  const lists: Record<"allowlist" | "denylist", string[]> = { allowlist: [], denylist: [] };
  let list: string[] = [];
  for (const text of formatFlowFlags(parseFlowFlags(args)).split("\n")) {
    if (text === "allowlist:" || text === "denylist:") list = lists[text.slice(0, -1) as keyof typeof lists];
    else if (text.startsWith("    - '")) list.push(text.slice("    - '".length, -1).replaceAll("''", "'"));
  }
  return [lists.allowlist, lists.denylist];
}

function messageOf(line: string | readonly string[]): string {
  return faultOf(() => parseFlowFlags(typeof line === "string" ? line.split(" ") : line)).message;
}

const ONE_FLAG: readonly [line: string, ...allow: string[]][] = [
  ["--uuid a", '{"uuid":["a"]}'],
  ["--uuid a --uuid b", '{"uuid":["a","b"]}'],
  ["--uuid a,b", '{"uuid":["a,b"]}'],
  ["--node-name k8s*", '{"node_name":["k8s*"]}'],
  ["--node-label a=b", '{"node_labels":["a=b"]}'],
  ["--cluster prod", '{"node_name":["prod/"]}'],
  ["--protocol tcp", '{"protocol":["tcp"]}'],
  ["--protocol nonsense", '{"protocol":["nonsense"]}'],
  ["--tcp-flags SYN,ack", '{"tcp_flags":[{"SYN":true,"ACK":true}]}'],
  ["--tcp-flags ſyn", '{"tcp_flags":[{"SYN":true}]}'],
  [
    "--tcp-flags FIN,SYN,RST,PSH,ACK,URG,ECE,CWR,NS",
    '{"tcp_flags":[{"FIN":true,"SYN":true,"RST":true,"PSH":true,"ACK":true,"URG":true,"ECE":true,"CWR":true,"NS":true}]}',
  ],
  ["--verdict DROPPED --verdict AUDIT", '{"verdict":["DROPPED","AUDIT"]}'],
  ["--verdict VERDICT_UNKNOWN", '{"verdict":["VERDICT_UNKNOWN"]}'],
  ["--drop-reason-desc POLICY_DENIED", '{"drop_reason_desc":["POLICY_DENIED"]}'],
  ["--http-status 404 --http-status 5+", '{"http_status_code":["404","5+"]}'],
  ["--http-method get", '{"http_method":["get"]}'],
  ["--http-path /a\\d+", '{"http_path":["/a\\\\d+"]}'],
  ["--http-url a&b<c>", '{"http_url":["a\\u0026b\\u003cc\\u003e"]}'],
  ["--http-header a:b:c", '{"http_header":[{"key":"a","value":"b:c"}]}'],
  ["--http-header :", '{"http_header":[{}]}'],
  ["--ip-trace-id 00", '{"ip_trace_id":["0"]}'],
  ["--ip-trace-id 18446744073709551615", '{"ip_trace_id":["18446744073709551615"]}'],
  ["--encrypted=false", '{"encrypted":[true]}'],
  ["--unencrypted", '{"encrypted":[false]}'],
  ["--from-cluster a", '{"source_cluster_name":["a"]}'],
  ["--to-cluster a", '{"destination_cluster_name":["a"]}'],
  ["-t trace:from-crypto", '{"event_type":[{"type":4,"match_sub_type":true,"sub_type":12}]}'],
  ["--trace-id x", '{"trace_id":["x"]}'],
  ["--snat-ip 1.1.1.1", '{"source_ip_xlated":["1.1.1.1"]}'],
  ["-4", '{"ip_version":["IPv4"]}'],
  ["-6", '{"ip_version":["IPv6"]}'],
  ["-46", '{"ip_version":["IPv4","IPv6"]}'],
  ["--ipv4=false", '{"ip_version":["IPv4"]}'],
  ["--ipv6=4", '{"ip_version":["IPv6"]}'],
  ...["4", "v4", "ipv4", "IPV4", "ip4"].map((text): [string, string] => [
    `--ip-version ${text}`,
    '{"ip_version":["IPv4"]}',
  ]),
  ...["6", "V6", "ipv6", "ip6"].map((text): [string, string] => [
    `--ip-version ${text}`,
    '{"ip_version":["IPv6"]}',
  ]),
  ...["none", "5", "ipv4 "].map((text): [string, string] => [
    `--ip-version ${text}`,
    '{"ip_version":["IP_NOT_USED"]}',
  ]),
  ["--traffic-direction InGress", '{"traffic_direction":["INGRESS"]}'],
  ["--traffic-direction egress", '{"traffic_direction":["EGRESS"]}'],
  ["--cel-expression true", '{"experimental":{"cel_expression":["true"]}}'],
  ["--cel-expression a --cel-expression b", '{"experimental":{"cel_expression":["a","b"]}}'],
  ["--interface eth0", '{"interface":[{"name":"eth0"}]}'],
  ["--interface=", '{"interface":[{}]}'],

  ["--fqdn a", '{"source_fqdn":["a"]}', '{"destination_fqdn":["a"]}'],
  ["--from-fqdn a", '{"source_fqdn":["a"]}'],
  ["--to-fqdn a", '{"destination_fqdn":["a"]}'],
  ["--ip 1.1.1.1", '{"source_ip":["1.1.1.1"]}', '{"destination_ip":["1.1.1.1"]}'],
  ["--from-ip 1.1.1.0/24", '{"source_ip":["1.1.1.0/24"]}'],
  ["--to-ip ::1", '{"destination_ip":["::1"]}'],
  ["--pod a", '{"source_pod":["a"]}', '{"destination_pod":["a"]}'],
  ["--from-pod a/b", '{"source_pod":["a/b"]}'],
  ["--to-pod a/", '{"destination_pod":["a/"]}'],
  ["-l a=b", '{"source_label":["a=b"]}', '{"destination_label":["a=b"]}'],
  ["--from-label a", '{"source_label":["a"]}'],
  ["--to-label !a", '{"destination_label":["!a"]}'],
  ["--service a", '{"source_service":["a"]}', '{"destination_service":["a"]}'],
  ["--from-service a", '{"source_service":["a"]}'],
  ["--to-service a", '{"destination_service":["a"]}'],
  ["--port 80", '{"source_port":["80"]}', '{"destination_port":["80"]}'],
  ["--from-port 80 --from-port 0081", '{"source_port":["80","0081"]}'],
  ["--to-port x", '{"destination_port":["x"]}'],
  ["--workload a", '{"source_workload":[{"name":"a"}]}', '{"destination_workload":[{"name":"a"}]}'],
  ["--from-workload Deployment/a", '{"source_workload":[{"name":"a","kind":"Deployment"}]}'],
  ["--to-workload Deployment/", '{"destination_workload":[{"kind":"Deployment"}]}'],
  ["--to-workload a/b/c", '{"destination_workload":[{"name":"b/c","kind":"a"}]}'],
  ["--to-workload=", '{"destination_workload":[{}]}'],
  ["--identity 5", '{"source_identity":[5]}', '{"destination_identity":[5]}'],
  ["--from-identity 0x10 --from-identity 0", '{"source_identity":[16,0]}'],
  ["--to-identity 4294967295", '{"destination_identity":[4294967295]}'],
  ...(
    [
      ["host", 1],
      ["world", 2],
      ["unmanaged", 3],
      ["health", 4],
      ["init", 5],
      ["remote-node", 6],
      ["kube-apiserver", 7],
      ["ingress", 8],
      ["world-ipv4", 9],
      ["world-ipv6", 10],
      ["overlay-to-encrypt", 11],
    ] as const
  ).map(([name, number]): [string, string] => [`--from-identity ${name}`, `{"source_identity":[${number}]}`]),

  ["-t drop", '{"event_type":[{"type":1}]}'],
  ["-t debug", '{"event_type":[{"type":2}]}'],
  ["-t capture", '{"event_type":[{"type":3}]}'],
  ["-t trace", '{"event_type":[{"type":4}]}'],
  ["-t policy-verdict", '{"event_type":[{"type":5}]}'],
  ["-t recorder", '{"event_type":[{"type":6}]}'],
  ["-t trace-sock", '{"event_type":[{"type":7}]}'],
  ["-t l7", '{"event_type":[{"type":129}]}'],
  ["-t agent", '{"event_type":[{"type":130}]}'],
  ["-t 254 -t 255:127", '{"event_type":[{"type":254},{"type":255,"match_sub_type":true,"sub_type":127}]}'],
  ["-t 4294967295", '{"event_type":[{"type":-1}]}'],
  ["-t 0", '{"event_type":[{}]}'],
  ["-t trace:to-endpoint", '{"event_type":[{"type":4,"match_sub_type":true}]}'],
  ["-ttrace:to-network", '{"event_type":[{"type":4,"match_sub_type":true,"sub_type":11}]}'],
  ["-t trace:3", '{"event_type":[{"type":4,"match_sub_type":true,"sub_type":3}]}'],
  ["-t agent:policy-updated", '{"event_type":[{"type":130,"match_sub_type":true,"sub_type":3}]}'],
  ["-t agent:unspecified", '{"event_type":[{"type":130,"match_sub_type":true}]}'],
  ["-t drop:133", '{"event_type":[{"type":1,"match_sub_type":true,"sub_type":133}]}'],
];

const SEVERAL_FLAGS: readonly { line: string; allow?: string[]; deny?: string[] }[] = [
  { line: "" },
  {
    line: "-t drop -n kube-system --not --label k8s:k8s-app=kube-dns",
    allow: [
      '{"source_pod":["kube-system/"],"event_type":[{"type":1}]}',
      '{"destination_pod":["kube-system/"],"event_type":[{"type":1}]}',
    ],
    deny: ['{"source_label":["k8s:k8s-app=kube-dns"]}', '{"destination_label":["k8s:k8s-app=kube-dns"]}'],
  },
  {
    line: "--pod foo --to-port 80 --not --ip 1.2.3.4 --verdict DROPPED",
    allow: [
      '{"source_pod":["foo"],"verdict":["DROPPED"],"destination_port":["80"]}',
      '{"destination_pod":["foo"],"verdict":["DROPPED"],"destination_port":["80"]}',
    ],
    deny: ['{"source_ip":["1.2.3.4"]}', '{"destination_ip":["1.2.3.4"]}'],
  },
  {
    line: "-n a -n b --pod x",
    allow: ['{"source_pod":["a/x","b/x"]}', '{"destination_pod":["a/x","b/x"]}'],
  },
  {
    line: "-n a --pod x --pod y --pod a/z",
    allow: ['{"source_pod":["a/x","a/y","a/z"]}', '{"destination_pod":["a/x","a/y","a/z"]}'],
  },
  { line: "--from-namespace a --from-pod p", allow: ['{"source_pod":["a/p"]}'] },
  { line: "--from-namespace a --to-namespace b", allow: ['{"source_pod":["a/"],"destination_pod":["b/"]}'] },
  {
    line: "--service s -n ns",
    allow: ['{"source_service":["ns/s"]}', '{"destination_service":["ns/s"]}'],
  },
  {
    line: "--service bar --from-identity world --to-identity world --pod blib --namespace test --from-port 1 --to-port 2",
    allow: [
      '{"source_pod":["test/blib"],"source_service":["test/bar"],"source_port":["1"],"destination_port":["2"],"source_identity":[2],"destination_identity":[2]}',
      '{"destination_pod":["test/blib"],"destination_service":["test/bar"],"source_port":["1"],"destination_port":["2"],"source_identity":[2],"destination_identity":[2]}',
    ],
  },
  { line: "-A", allow: ['{"source_pod":["/"]}', '{"destination_pod":["/"]}'] },
  { line: "-A=false", allow: ['{"source_pod":["/"]}', '{"destination_pod":["/"]}'] },
  { line: "-A --pod x", allow: ['{"source_pod":["/x"]}', '{"destination_pod":["/x"]}'] },
  { line: "--from-all-namespaces --to-pod x", allow: ['{"source_pod":["/"],"destination_pod":["x"]}'] },
  { line: "--to-all-namespaces", allow: ['{"destination_pod":["/"]}'] },
  {
    line: "--from-namespace a --service s",
    allow: ['{"source_service":["a/s"]}', '{"source_pod":["a/"],"destination_service":["s"]}'],
  },
  { line: "-n=", allow: ['{"source_pod":["=/"]}', '{"destination_pod":["=/"]}'] },
  { line: "--namespace=", allow: ['{"source_pod":["/"]}', '{"destination_pod":["/"]}'] },
  {
    line: "--not --pod x --not --to-port 1",
    deny: [
      '{"source_pod":["x"],"destination_port":["1"]}',
      '{"destination_pod":["x"],"destination_port":["1"]}',
    ],
  },
  { line: "--not=false --uuid x", deny: ['{"uuid":["x"]}'] },
  { line: "--not --last 5 --uuid x", deny: ['{"uuid":["x"]}'] },
  { line: "--not --ip-version 4 -6", allow: ['{"ip_version":["IPv6"]}'], deny: ['{"ip_version":["IPv4"]}'] },
  { line: "--not -4 -6", allow: ['{"ip_version":["IPv6"]}'], deny: ['{"ip_version":["IPv4"]}'] },
  {
    line: "--pod cilium --to-workload app",
    allow: [
      '{"source_pod":["cilium"],"destination_workload":[{"name":"app"}]}',
      '{"destination_pod":["cilium"],"destination_workload":[{"name":"app"}]}',
    ],
  },
  {
    line: "--uuid u --from-ip 1.1.1.1",
    allow: ['{"uuid":["u"],"source_ip":["1.1.1.1"]}'],
  },
  {
    line: "--port 1 --not --from-port 2",
    allow: ['{"source_port":["1"]}', '{"destination_port":["1"]}'],
    deny: ['{"source_port":["2"]}'],
  },
];

describe("parseFlowFlags: one flag", () => {
  test.each(ONE_FLAG)("parses %s", (line, ...allow) => {
    expect(filtersOf(line.split(/ (?! *$)/))).toEqual([allow, []]);
  });

  test("the table of this test contains every filter flag", () => {
    const lines = [...ONE_FLAG.map(([line]) => line), ...SEVERAL_FLAGS.map(({ line }) => line)];
    const given = new Set(lines.flatMap((line) => line.split(" ")).map((arg) => arg.replace(/=.*/, "")));
    for (const { name, value, shorthand } of FLOW_FLAGS) {
      if (value !== "filter") continue;
      const isGiven = given.has(`--${name}`) || given.has(`-${shorthand}`);
      expect(isGiven, name).toBe(true);
    }
  });

  test("accepts the names of verdicts and drop reasons of the protocol", () => {
    for (const name of Object.values(Verdict).filter((one) => typeof one === "string")) {
      expect(filtersOf(`--verdict ${name}`)).toEqual([[`{"verdict":["${name}"]}`], []]);
    }
    const reasons = Object.values(DropReason).filter((one) => typeof one === "string");
    expect(reasons.length).toBeGreaterThan(60);
    for (const name of reasons) expect(() => parseFlowFlags(["--drop-reason-desc", name])).not.toThrow();
  });
});

describe("parseFlowFlags: several flags", () => {
  test.each(SEVERAL_FLAGS)("parses $line", ({ line, allow = [], deny = [] }) => {
    expect(filtersOf(line)).toEqual([allow, deny]);
  });

  test("the filters compile with Hubble's errors", () => {
    const { allow, deny } = parseFlowFlags(["--to-port", "x", "--not", "--ip", "1.1.1.1/33"]);
    expect(checkFlowFilters({ allow, deny }).map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'allow[0].destination_port[0]: invalid destination port filter: invalid port "x": strconv.ParseUint: parsing "x": invalid syntax',
      'deny[0].source_ip[0]: invalid CIDR in filter: "1.1.1.1/33"',
      'deny[1].destination_ip[0]: invalid CIDR in filter: "1.1.1.1/33"',
    ]);
  });
});

describe("parseFlowFlags: faults", () => {
  test.each<[string, string]>([
    ["--not --not --pod x", 'invalid argument "true" for "--not" flag: consecutive --not statements'],
    ["--not --nope", "unknown flag: --nope"],
    ["--pod x --not", "trailing --not found in the arguments"],
    ["--not --last 5", "trailing --not found in the arguments"],
    ["--not --first 1 --last 1", "trailing --not found in the arguments"],
    [
      "--verdict dropped",
      'invalid argument "dropped" for "--verdict" flag: invalid --verdict value: dropped',
    ],
    ["--verdict 2", 'invalid argument "2" for "--verdict" flag: invalid --verdict value: 2'],
    [
      "--drop-reason-desc=",
      'invalid argument "" for "--drop-reason-desc" flag: empty --drop-reason-desc value',
    ],
    [
      "--drop-reason-desc x",
      'invalid argument "x" for "--drop-reason-desc" flag: invalid --drop-reason-desc value: x',
    ],
    ["--tcp-flags x", 'invalid argument "x" for "--tcp-flags" flag: unknown tcp flag: x'],
    ["--tcp-flags=", 'invalid argument "" for "--tcp-flags" flag: unknown tcp flag: '],
    ["--tcp-flags ﬁn", 'invalid argument "ﬁn" for "--tcp-flags" flag: unknown tcp flag: ﬁn'],
    [
      "--http-header x",
      'invalid argument "x" for "--http-header" flag: invalid http-header value "x", expected name:value',
    ],
    [
      "--traffic-direction UP",
      'invalid argument "UP" for "--traffic-direction" flag: up: invalid traffic direction, expected ingress or egress',
    ],
    [
      "-t foo",
      'invalid argument "foo" for "-t, --type" flag: unable to parse type \'foo\', not a known type name and unable to parse as numeric value: strconv.ParseUint: parsing "foo": invalid syntax',
    ],
    [
      "--type Trace",
      'invalid argument "Trace" for "-t, --type" flag: unable to parse type \'Trace\', not a known type name and unable to parse as numeric value: strconv.ParseUint: parsing "Trace": invalid syntax',
    ],
    [
      "-t 4294967296",
      'invalid argument "4294967296" for "-t, --type" flag: unable to parse type \'4294967296\', not a known type name and unable to parse as numeric value: strconv.ParseUint: parsing "4294967296": value out of range',
    ],
    [
      "-t trace:foo",
      'invalid argument "trace:foo" for "-t, --type" flag: unable to parse event sub-type \'foo\', not a known sub-type name and unable to parse as numeric value: strconv.ParseUint: parsing "foo": invalid syntax',
    ],
    [
      "-t 4:to-host",
      'invalid argument "4:to-host" for "-t, --type" flag: unable to parse event sub-type \'to-host\', not a known sub-type name and unable to parse as numeric value: strconv.ParseUint: parsing "to-host": invalid syntax',
    ],
    [
      "-t trace:",
      'invalid argument "trace:" for "-t, --type" flag: unable to parse event sub-type \'\', not a known sub-type name and unable to parse as numeric value: strconv.ParseUint: parsing "": invalid syntax',
    ],
    ...["--identity", "--from-identity", "--to-identity"].flatMap((flag): [string, string][] =>
      ["x", "-1", "4294967296", "Host", "unknown"].map((text) => [
        `${flag}=${text}`,
        `invalid argument "${text}" for "${flag}" flag: invalid security identity, expected one of [host world unmanaged health init remote-node kube-apiserver ingress world-ipv4 world-ipv6 11] or a numeric value`,
      ]),
    ),
    [
      "-n a --pod b/x",
      'invalid argument "b/x" for "--pod" flag: namespace conflict: "a" does not contain "b/x"',
    ],
    [
      "--pod b/x -n a",
      'invalid argument "a" for "-n, --namespace" flag: namespace conflict: "a" does not contain "b/x"',
    ],
    [
      "-n a -n b --pod b/x",
      'invalid argument "b/x" for "--pod" flag: namespace conflict: "a" does not contain "b/x"',
    ],
    [
      "-A --pod b/x",
      'invalid argument "b/x" for "--pod" flag: namespace conflict: "" does not contain "b/x"',
    ],
    [
      "--to-namespace a --to-service b/x",
      'invalid argument "b/x" for "--to-service" flag: namespace conflict: "a" does not contain "b/x"',
    ],
    [
      "--pod a/x --service y",
      'invalid argument "y" for "--service" flag: namespace of service "y" conflict with pod "a"',
    ],
    [
      "--service b/y --pod a/x",
      'invalid argument "a/x" for "--pod" flag: namespace of service "b/y" conflict with pod "a"',
    ],
    [
      "--pod a/x --to-service b/y",
      'invalid argument "b/y" for "--to-service" flag: namespace of service "b/y" conflict with pod "a"',
    ],
    [
      "--not --pod a/x --not --service b/y",
      'invalid argument "b/y" for "--service" flag: namespace of service "b/y" conflict with pod "a"',
    ],
    [
      "--from-namespace a --service y --from-pod b/x",
      'invalid argument "b/x" for "--from-pod" flag: namespace conflict: "a" does not contain "b/x"\nnamespace of service "y" conflict with pod "b"',
    ],
  ])("rejects %s", (line, message) => {
    expect(messageOf(line)).toBe(message);
  });

  test.each([
    "-n a --pod a/x --pod y --service a/s",
    "--pod a/x --pod b/y",
    "--pod /x --service b/y",
    "--service b/y --pod x",
    "--pod a/x --not --service b/y",
    "--from-pod a/x --to-service b/y",
    "--from-namespace a --to-pod b/x",
  ])("accepts %s", (line) => {
    expect(() => parseFlowFlags(line.split(" "))).not.toThrow();
  });
});

describe("parseFlowFlags: flags that cannot be combined", () => {
  const FROM = ["from-fqdn", "from-ip", "ip", "fqdn"];
  const TO = ["to-fqdn", "to-ip", "ip", "fqdn"];
  const ANY = ["namespace", "all-namespaces"];
  const groups = [
    [...FROM, "from-namespace", "namespace", "from-all-namespaces", "all-namespaces"],
    [...FROM, "from-pod", "pod"],
    [...TO, "to-namespace", "namespace", "to-all-namespaces", "all-namespaces"],
    [...TO, "to-pod", "pod"],
    ...["to-pod", "from-pod", "to-service", "from-service"].map((flag) => [flag, ...ANY]),
    ...["label", "service", "port", "identity", "workload"].flatMap((flag) => [
      [flag, `from-${flag}`],
      [flag, `to-${flag}`],
    ]),
    ["node-name", "cluster"],
    ["encrypted", "unencrypted"],
  ];
  const names = FLOW_FLAGS.filter(({ value, name }) => value === "filter" && name !== "not").map(
    ({ name }) => name,
  );
  const values: Readonly<Record<string, string>> = {
    type: "1",
    verdict: "DROPPED",
    "drop-reason-desc": "POLICY_DENIED",
    "tcp-flags": "SYN",
    "http-header": "a:b",
    "traffic-direction": "ingress",
  };
  const flagWithValue = (name: string) => `--${name}=${values[name] ?? "1"}`;

  test(`are those of the same group, in any order, negated or not${nth(5)}`, () => {
    for (const one of everyNth(5, names)) {
      for (const other of names) {
        const group = groups.find((all) => one !== other && all.includes(one) && all.includes(other));
        for (const args of [
          [flagWithValue(one), flagWithValue(other)],
          ["--not", flagWithValue(one), "--not", flagWithValue(other)],
        ]) {
          if (group === undefined) {
            expect(() => parseFlowFlags(args)).not.toThrow();
            continue;
          }
          const [first, second] = group.filter((name) => name === one || name === other);
          expect(messageOf(args)).toContain(`: filters --${first} and --${second} cannot be combined`);
        }
        expect(() => parseFlowFlags([flagWithValue(one), "--not", flagWithValue(other)])).not.toThrow();
      }
    }
  });

  test.each<[string, string]>([
    [
      "--from-ip 1.2.3.4 --from-fqdn x",
      'invalid argument "x" for "--from-fqdn" flag: filters --from-fqdn and --from-ip cannot be combined',
    ],
    [
      "--from-service foo --service bar",
      'invalid argument "bar" for "--service" flag: filters --service and --from-service cannot be combined',
    ],
    // The conflict is reported before the value is parsed.
    [
      "--identity 1 --to-identity nonsense",
      'invalid argument "nonsense" for "--to-identity" flag: filters --identity and --to-identity cannot be combined',
    ],
  ])("rejects %s", (line, message) => {
    expect(messageOf(line)).toBe(message);
  });
});

describe("parseFlowFlags: many flags", () => {
  const many = (flag: string, count: number, value: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => [flag, value(index)]).flat();

  // Quadratic time would exceed this limit by far; linear time takes a second.
  const COUNT = amount({ quick: 20_000, long: 100_000 });

  test("are parsed in linear time, for any namespaces", { timeout: 100_000 }, () => {
    for (const args of [
      many("--pod", COUNT, (index) => `n${index}/p`),
      [...many("--pod", COUNT / 2, () => "a/p"), ...many("--service", COUNT / 2, () => "a/s")],
      [...many("-n", COUNT, (index) => `n${index}`), "--pod", "x"],
      many("--from-port", COUNT, String),
    ]) {
      expect(parseFlowFlags(args).allow.length).toBeGreaterThan(0);
    }
  });

  test("are rejected if namespaces and names result in too many combinations", () => {
    const args = [
      ...many("-n", 2_000, (index) => `n${index}`),
      ...many("--pod", 2_000, (index) => `p${index}`),
    ];
    expect(messageOf(args)).toBe("2000 namespaces with 2000 names: more than 1000000");
  });
});

type FlowInit = MessageInitShape<typeof FlowSchema>;

describe("parseFlowFlags: surprising combinations", () => {
  const WEB = { namespace: "shop", podName: "web-1", labels: ["k8s:app=web"] };
  const DB = { namespace: "default", podName: "db-1", labels: ["k8s:app=db"] };

  test.each<{ line: string; flow: FlowInit; passes: boolean }>([
    { line: "--label app!=web", flow: { source: WEB, destination: DB }, passes: true },
    { line: "--label app!=web", flow: { source: WEB }, passes: true },
    { line: "--label app!=web", flow: { source: WEB, destination: WEB }, passes: false },
    { line: "--not --label app=web", flow: { source: WEB, destination: DB }, passes: false },
    { line: "--not --pod /web --not --verdict DROPPED", flow: { source: WEB, verdict: 1 }, passes: true },
    { line: "--not --pod /web --not --verdict DROPPED", flow: { source: WEB, verdict: 2 }, passes: false },
    { line: "--pod web", flow: { source: WEB }, passes: false },
    { line: "--pod db", flow: { source: DB }, passes: true },
    { line: "--pod /web", flow: { source: WEB }, passes: true },
    { line: "-n shop --pod web", flow: { source: WEB }, passes: true },
    { line: "-A", flow: { destination: DB }, passes: true },
    { line: "-A", flow: { destination: { namespace: "shop" } }, passes: true },
    { line: "-A", flow: { destination: { labels: ["reserved:world"] } }, passes: false },
    { line: "-A", flow: {}, passes: false },
    { line: "--ip-version 5", flow: {}, passes: true },
  ])("$line matches the flow: $passes", ({ line, flow, passes }) => {
    const { allow, deny } = parseFlowFlags(line.split(" "));
    expect(compileFlowFilters({ allow, deny })(create(FlowSchema, flow))).toBe(passes);
  });
});
