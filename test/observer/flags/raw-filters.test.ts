import { create, equals, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { formatFlowFlags, parseFlowFlags } from "../../../src/observer/flags/index.js";
import { FlowFilterSchema } from "../../../src/proto.js";
import { arbitraryMessage } from "../../support/arbitrary-message.js";
import { faultOf } from "./faults.js";

function allowOf(...texts: string[]) {
  const { allow } = parseFlowFlags(texts.flatMap((text) => ["--allowlist", text]));
  return allow.map((filter) => toJson(FlowFilterSchema, filter, { useProtoFieldName: true }));
}

describe("parseFlowFlags: --allowlist and --denylist", () => {
  test.each<{ texts: string[]; filters: object[] }>([
    { texts: [""], filters: [] },
    { texts: [" \n\t"], filters: [] },
    { texts: ["{}"], filters: [{}] },
    { texts: ["{}{} {}\n{}"], filters: [{}, {}, {}, {}] },
    { texts: ['{"source_ip":["1.1.1.1"]}'], filters: [{ source_ip: ["1.1.1.1"] }] },
    {
      texts: ['{"sourceIp":["1.1.1.1"]}', '{"reply":[true,false]}'],
      filters: [{ source_ip: ["1.1.1.1"] }, { reply: [true, false] }],
    },
    {
      texts: ['{"verdict":["DROPPED",1,99]}'],
      filters: [{ verdict: ["DROPPED", "FORWARDED", 99] }],
    },
    {
      texts: ['{"source_identity":[1,"2",3.0,4e0,50e-1,"6.0",4294967295]}'],
      filters: [{ source_identity: [1, 2, 3, 4, 5, 6, 4294967295] }],
    },
    {
      texts: ['{"ip_trace_id":["18446744073709551615",7,18446744073709551614]}'],
      filters: [{ ip_trace_id: ["18446744073709551615", "7", "18446744073709551614"] }],
    },
    {
      texts: ['{"event_type":[{"type":-1,"matchSubType":true,"sub_type":0}]}'],
      filters: [{ event_type: [{ type: -1, match_sub_type: true }] }],
    },
    {
      texts: [
        '{ "source_pod" : [ "a\\u0062\\n" , "" ] , "uuid":null, "experimental" : { "celExpression" : ["1"] } }',
      ],
      filters: [{ source_pod: ["ab\n", ""], experimental: { cel_expression: ["1"] } }],
    },
    {
      texts: ['{"tcp_flags":[{"SYN":true},{}],"interface":[{"index":3,"name":"eth0"}]}'],
      filters: [{ tcp_flags: [{ SYN: true }, {}], interface: [{ index: 3, name: "eth0" }] }],
    },
  ])("parses $texts", ({ texts, filters }) => {
    expect(allowOf(...texts)).toEqual(filters);
  });

  test.each<{ text: string; older: string; newer: string }>([
    {
      text: '{"verdict":["nosuch"]}',
      older: 'proto: (line 1:13): invalid value for enum type: "nosuch"',
      newer: 'proto: (line 1:13): invalid value for enum field verdict: "nosuch"',
    },
    {
      text: '{"drop_reason_desc":["NOSUCH"]}',
      older: 'proto: (line 1:22): invalid value for enum type: "NOSUCH"',
      newer: 'proto: (line 1:22): invalid value for enum field dropReasonDesc: "NOSUCH"',
    },
    {
      text: '{"ip_trace_id":["18446744073709551616"]}',
      older: 'proto: (line 1:17): invalid value for uint64 type: "18446744073709551616"',
      newer: 'proto: (line 1:17): invalid value for uint64 field ipTraceId: "18446744073709551616"',
    },
    {
      text: '{"encrypted":[null]}',
      older: "proto: (line 1:15): invalid value for bool type: null",
      newer: "proto: (line 1:15): invalid value for bool field encrypted: null",
    },
    {
      text: '{"nosuch":[]}',
      older: 'proto: (line 1:2): unknown field "nosuch"',
      newer: 'proto: (line 1:2): unknown field "nosuch"',
    },
  ])("names the field of a value of the wrong type as 1.19 does: $text", ({ text, older, newer }) => {
    const fault = (options?: { hubble: "1.16" | "1.19" }) =>
      faultOf(() => parseFlowFlags(["--denylist", text], options)).message;
    const prefix = `invalid --denylist flag: failed to decode '${text}': `;
    expect(fault()).toBe(prefix + older);
    expect(fault({ hubble: "1.16" })).toBe(prefix + older);
    expect(fault({ hubble: "1.19" })).toBe(prefix + newer);
  });

  test.each<{ text: string; fault: string }>([
    { text: "x", fault: "invalid character 'x' looking for beginning of value" },
    { text: "{} x", fault: "invalid character 'x' looking for beginning of value" },
    { text: "{", fault: "unexpected EOF" },
    { text: '{"uuid":["a"}', fault: "invalid character '}' after array element" },
    { text: "null", fault: "proto: syntax error (line 1:1): unexpected token null" },
    { text: "[{}]", fault: "proto: syntax error (line 1:1): unexpected token [" },
    { text: '  "a"', fault: 'proto: syntax error (line 1:1): unexpected token "a"' },
    { text: "-1.5", fault: "proto: syntax error (line 1:1): unexpected token -1.5" },
    { text: '{"foo":1}', fault: 'proto: (line 1:2): unknown field "foo"' },
    { text: '{}{\n "é": 1}', fault: 'proto: (line 2:2): unknown field "é"' },
    { text: '{"uuid":["é"],"x":1}', fault: 'proto: (line 1:15): unknown field "x"' },
    { text: '{"Source_ip":[]}', fault: 'proto: (line 1:2): unknown field "Source_ip"' },
    { text: '{"__proto__":[]}', fault: 'proto: (line 1:2): unknown field "__proto__"' },
    { text: '{"[a.b]":1}', fault: 'proto: (line 1:2): unknown field "[a.b]"' },
    { text: '{"uuid":[],"uuid":[]}', fault: 'proto: (line 1:12): duplicate field "uuid"' },
    {
      text: '{"source_ip":null,"sourceIp":[]}',
      fault: 'proto: (line 1:19): duplicate field "sourceIp"',
    },
    { text: '{"source_ip":"1.1.1.1"}', fault: 'proto: syntax error (line 1:14): unexpected token "1.1.1.1"' },
    { text: '{"source_ip":{}}', fault: "proto: syntax error (line 1:14): unexpected token {" },
    { text: '{"source_ip":[1]}', fault: "proto: (line 1:15): invalid value for string type: 1" },
    {
      text: '{"source_ip":[null]}',
      fault: "proto: (line 1:15): invalid value for string type: null",
    },
    {
      text: '{"source_ip":[["a"]]}',
      fault: "proto: (line 1:15): invalid value for string type: [",
    },
    { text: '{"reply":["true"]}', fault: 'proto: (line 1:11): invalid value for bool type: "true"' },
    {
      text: '{"verdict":["dropped"]}',
      fault: 'proto: (line 1:13): invalid value for enum type: "dropped"',
    },
    { text: '{"verdict":["99"]}', fault: 'proto: (line 1:13): invalid value for enum type: "99"' },
    { text: '{"verdict":[1.5]}', fault: "proto: (line 1:13): invalid value for enum type: 1.5" },
    {
      text: '{"source_identity":[-1]}',
      fault: "proto: (line 1:21): invalid value for uint32 type: -1",
    },
    {
      text: '{"source_identity":[4294967296]}',
      fault: "proto: (line 1:21): invalid value for uint32 type: 4294967296",
    },
    {
      text: '{"source_identity":[" 1"]}',
      fault: 'proto: (line 1:21): invalid value for uint32 type: " 1"',
    },
    {
      text: '{"source_identity":[1e99999999999]}',
      fault: "proto: (line 1:21): invalid value for uint32 type: 1e99999999999",
    },
    {
      text: '{"ip_trace_id":["18446744073709551616"]}',
      fault: 'proto: (line 1:17): invalid value for uint64 type: "18446744073709551616"',
    },
    { text: '{"event_type":[1]}', fault: "proto: syntax error (line 1:16): unexpected token 1" },
    {
      text: '{"event_type":[{"type":"x"}]}',
      fault: 'proto: (line 1:24): invalid value for int32 type: "x"',
    },
    { text: '{"event_type":[{"kind":1}]}', fault: 'proto: (line 1:17): unknown field "kind"' },
    { text: '{"experimental":[]}', fault: "proto: syntax error (line 1:17): unexpected token [" },
    {
      text: '{"uuid":["\\ud800"]}',
      fault: 'proto: syntax error (line 1:10): invalid escape code "\\ud800" in string',
    },
  ])("rejects $text", ({ text, fault }) => {
    for (const flag of ["allowlist", "denylist"]) {
      const error = faultOf(() => parseFlowFlags([`--${flag}`, text]));
      expect(error.message).toBe(`invalid --${flag} flag: failed to decode '${text}': ${fault}`);
      expect(error.flag).toBe(flag);
    }
  });

  test("are added after the filter flags, allow before deny", () => {
    const args = ["--allowlist", '{"uuid":["b"]}', "--uuid", "a", "--not", "--uuid", "c", "--denylist={}"];
    expect(formatFlowFlags(parseFlowFlags(args))).toBe(
      `allowlist:\n    - '{"uuid":["a"]}'\n    - '{"uuid":["b"]}'\ndenylist:\n    - '{"uuid":["c"]}'\n    - '{}'\n`,
    );
    expect(faultOf(() => parseFlowFlags(["--denylist=x", "--allowlist=y"])).flag).toBe("allowlist");
  });

  test("are not negated by --not", () => {
    const { allow, deny } = parseFlowFlags(["--not", "--allowlist", "{}", "--uuid", "a"]);
    expect([allow.length, deny.length]).toEqual([1, 1]);
  });

  test("deep nesting neither hangs nor overflows the stack", () => {
    for (const text of [
      "[".repeat(1_000_000),
      '{"uuid":'.repeat(200_000),
      `{"x":${"[".repeat(9_000)}${"]".repeat(9_000)}}`,
    ]) {
      expect(() => parseFlowFlags(["--allowlist", text])).toThrow("failed to decode");
    }
    const zeros = `{"source_identity":[1${"0".repeat(200_000)}1]}`;
    expect(() => parseFlowFlags(["--allowlist", zeros])).toThrow("invalid value");
  });
});

describe("parseFlowFlags: HUBBLE_ALLOWLIST and HUBBLE_DENYLIST", () => {
  const env = { HUBBLE_ALLOWLIST: ' {"uuid":["a"]}{} \n{} ', HUBBLE_DENYLIST: "{}" };

  test("apply if the flags are not set", () => {
    const { allow, deny } = parseFlowFlags([], { env });
    expect([allow.length, deny.length]).toEqual([3, 1]);
    const given = parseFlowFlags(["--allowlist", ""], { env });
    expect([given.allow.length, given.deny.length]).toEqual([0, 1]);
  });

  test("are split at white space, even within strings", () => {
    const error = faultOf(() => parseFlowFlags([], { env: { HUBBLE_DENYLIST: '{"uuid":["a b"]}' } }));
    expect(error.message).toBe(`invalid --denylist flag: failed to decode '{"uuid":["a': unexpected EOF`);
  });

  test("are ignored if not set", () => {
    expect(parseFlowFlags([]).allow).toEqual([]);
    expect(parseFlowFlags([], { env: { HUBBLE_ALLOWLIST: "" } }).allow).toEqual([]);
  });
});

describe("formatFlowFlags", () => {
  test.each<{ uuid: string; line: string }>([
    { uuid: "it's", line: `'{"uuid":["it''s"]}'` },
    { uuid: 'a"b\\c', line: `'{"uuid":["a\\"b\\\\c"]}'` },
    { uuid: "a\nb\u0001", line: `'{"uuid":["a\\nb\\u0001"]}'` },
    { uuid: "<&>\u2028", line: `'{"uuid":["\\u003c\\u0026\\u003e\\u2028"]}'` },
    { uuid: "é漢\u00a0", line: `'{"uuid":["é漢\u00a0"]}'` },
    { uuid: "'😀", line: `"{\\"uuid\\":[\\"'\\U0001F600\\"]}"` },
    { uuid: "\u007f\u0085\u009f\ufeff\uffff", line: `"{\\"uuid\\":[\\"\\x7F\\N\\x9F\\uFEFF\\uFFFF\\"]}"` },
  ])("quotes $uuid as Go's YAML does", ({ uuid, line }) => {
    expect(formatFlowFlags({ deny: [{ uuid: [uuid] }] })).toBe(`denylist:\n    - ${line}\n`);
  });

  test("formats fields in the order of the proto file, without unset ones", () => {
    const filter = { sourceIp: ["1"], uuid: ["2"], eventType: [{ type: 4, matchSubType: true, subType: 0 }] };
    expect(formatFlowFlags({ allow: [filter] })).toBe(
      `allowlist:\n    - '{"uuid":["2"],"source_ip":["1"],"event_type":[{"type":4,"match_sub_type":true}]}'\n`,
    );
  });

  test("formats empty lists as an empty object", () => {
    expect(formatFlowFlags({})).toBe("{}\n");
    expect(formatFlowFlags({ allow: [], deny: [] })).toBe("{}\n");
  });

  test("rejects values that are not filters, with all issues", () => {
    const lists = { allow: [{ nope: 1 }], deny: [{ uuid: [1] }] } as never;
    expect(() => formatFlowFlags(lists)).toThrow(FilterError);
    expect(() => formatFlowFlags(lists)).toThrow(
      "allow[0].nope: is not a field of FlowFilter\ndeny[0].uuid[0]: must be a string, not 1",
    );
  });

  test("formats filters that --allowlist and --denylist accept", () => {
    const filters = fc.array(arbitraryMessage(FlowFilterSchema), { maxLength: 3 });
    fc.assert(
      fc.property(filters, filters, (allow, deny) => {
        const args: string[] = [];
        let flag = "";
        for (const line of formatFlowFlags({ allow, deny }).trimEnd().split("\n")) {
          if (line.endsWith("list:")) flag = `--${line.slice(0, -1)}`;
          else if (line !== "{}") args.push(flag, unquoteYaml(line.slice("    - ".length)));
        }
        const read = parseFlowFlags(args);
        for (const list of ["allow", "deny"] as const) {
          const given = list === "allow" ? allow : deny;
          expect(read[list].length).toBe(given.length);
          for (const [index, filter] of given.entries()) {
            expect(equals(FlowFilterSchema, read[list][index] ?? create(FlowFilterSchema), filter)).toBe(
              true,
            );
          }
        }
      }),
    );
  });
});

function unquoteYaml(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  return text
    .slice(1, -1)
    .replaceAll(
      /\\(?:x(..)|u(....)|U(........)|(.))/g,
      (_, x?: string, u?: string, long?: string, other?: string) => {
        const hex = x ?? u ?? long;
        if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
        return other === "N" ? "\u0085" : (other ?? "");
      },
    );
}
