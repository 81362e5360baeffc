import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { FlowscribeError } from "../../../src/errors/errors.js";
import { checkFlowFilters, compileFlowFilters } from "../../../src/filter/index.js";
import {
  FLOW_FLAG_GROUPS,
  FLOW_FLAGS,
  formatFlowFlags,
  parseFlowFlags,
  toFlowsRequest,
} from "../../../src/observer/flags/index.js";
import { runs } from "../../support/amount.js";
import { faultOf } from "./faults.js";

/** 2021-11-10T10:41:00.250Z */
const NOW_MS = 1_636_540_860_250;
const now = () => NOW_MS;
const MAX_UINT64 = 2n ** 64n - 1n;

function selectionOf(line: string) {
  const { number, first, since, until, follow } = parseFlowFlags(line === "" ? [] : line.split(" "), { now });
  const time = (at: typeof since) => at && `${at.seconds}.${String(at.nanos).padStart(9, "0")}`;
  const all = { number, first, since: time(since), until: time(until), follow };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

describe("parseFlowFlags: selection", () => {
  test.each<{ line: string; selection: object }>([
    { line: "", selection: {} },
    { line: "--last 5", selection: { number: 5n } },
    { line: "--last 0x10", selection: { number: 16n } },
    { line: "--last 5 --last 6", selection: { number: 6n } },
    { line: "--last 0", selection: {} },
    { line: "--first 1_000", selection: { number: 1000n, first: true } },
    { line: "--first 0 --last 3", selection: { number: 3n } },
    { line: "--last 18446744073709551615", selection: { number: MAX_UINT64 } },
    { line: "--all", selection: { number: MAX_UINT64 } },
    { line: "--all=false", selection: {} },
    { line: "--all=0 --last 1", selection: { number: 1n } },
    { line: "-f", selection: { follow: true } },
    { line: "--follow=f", selection: {} },
    { line: "-f --last 5", selection: { follow: true, number: 5n } },
    { line: "--all -f", selection: { follow: true, number: MAX_UINT64 } },
    { line: "--since 10s", selection: { since: "1636540850.250000000" } },
    { line: "--since 1.5ms", selection: { since: "1636540860.248500000" } },
    { line: "--since -5m", selection: { since: "1636541160.250000000" } },
    { line: "--since 0", selection: { since: "1636540860.250000000" } },
    {
      line: "--since -9223372036854775808ns",
      selection: { since: "-7586831177.395224192" },
    },
    {
      line: "--since 500000h",
      selection: { since: "-163459140.250000000" },
    },
    { line: "--since 2021-11-10", selection: { since: "1636502400.000000000" } },
    { line: "--since=", selection: {} },
    { line: "--since x --since 10s", selection: { since: "1636540850.250000000" } },
    { line: "--until 2021-11-10T10:41:00.5Z", selection: { until: "1636540860.500000000" } },
    { line: "--until 10s -f", selection: { follow: true } },
    { line: "--until nonsense -f", selection: { follow: true } },
    { line: "--since 10s --all", selection: { since: "1636540850.250000000" } },
    { line: "--until 10s --last 3", selection: { until: "1636540850.250000000", number: 3n } },
    { line: "--until 10s --all --first 0", selection: { until: "1636540850.250000000" } },
    { line: "--since 10s --first 3", selection: { since: "1636540850.250000000", number: 3n, first: true } },
  ])("parses $line", ({ line, selection }) => {
    expect(selectionOf(line)).toEqual(selection);
  });

  test.each<{ line: string; message: string; flag?: string }>([
    { line: "--first 1 --last 1", message: "cannot set both --first and --last" },
    { line: "--first 1 --all", message: "cannot set both --first and --all" },
    { line: "--first 1 -f", message: "cannot set both --first and --follow" },
    { line: "--last 1 --all", message: "cannot set both --last and --all" },
    { line: "--first 1 --last 1 --all --since x", message: "cannot set both --first and --last" },
    {
      line: "--last x",
      message: 'invalid argument "x" for "--last" flag: strconv.ParseUint: parsing "x": invalid syntax',
      flag: "last",
    },
    {
      line: "--first -1",
      message: 'invalid argument "-1" for "--first" flag: strconv.ParseUint: parsing "-1": invalid syntax',
      flag: "first",
    },
    {
      line: "--last 18446744073709551616",
      message:
        'invalid argument "18446744073709551616" for "--last" flag: strconv.ParseUint: parsing "18446744073709551616": value out of range',
      flag: "last",
    },
    {
      line: "-f=yes",
      message:
        'invalid argument "yes" for "-f, --follow" flag: strconv.ParseBool: parsing "yes": invalid syntax',
      flag: "follow",
    },
    {
      line: "--since x",
      message: "failed to parse the since time: failed to convert x to time",
      flag: "since",
    },
    {
      line: "--until 5",
      message: "failed to parse the until time: failed to convert 5 to time",
      flag: "until",
    },
    {
      line: "--since 0000-12-31",
      message:
        "failed to convert `since` timestamp to proto: proto: timestamp (seconds:-62135683200) before 0001-01-01",
      flag: "since",
    },
    {
      line: "--until 0000-12-31T23:59:59.5Z",
      message:
        "failed to convert `until` timestamp to proto: proto: timestamp (seconds:-62135596801 nanos:500000000) before 0001-01-01",
      flag: "until",
    },
    {
      line: "--since x --allowlist y",
      message: "failed to parse the since time: failed to convert x to time",
      flag: "since",
    },
  ])("rejects $line", ({ line, message, flag }) => {
    const error = faultOf(() => parseFlowFlags(line.split(" "), { now }));
    expect(error.message).toBe(message);
    expect(error.flag).toBe(flag);
  });

  test("relative times use the system clock by default", () => {
    const before = BigInt(Math.floor(Date.now() / 1000));
    const { since } = parseFlowFlags(["--since", "0s"]);
    expect(since?.seconds).toBeGreaterThanOrEqual(before);
    expect(since?.seconds).toBeLessThanOrEqual(before + 60n);
  });

  test.each([
    { line: "", number: 20n, first: false, follow: false },
    { line: "--pod a", number: 20n, first: false, follow: false },
    { line: "--last 5", number: 5n, first: false, follow: false },
    { line: "--first 5", number: 5n, first: true, follow: false },
    { line: "--all", number: MAX_UINT64, first: false, follow: false },
    { line: "-f", number: 0n, first: false, follow: true },
    { line: "--since 1h", number: 0n, first: false, follow: false },
    { line: "--until 1h", number: 0n, first: false, follow: false },
    { line: "--since 1h --last 7", number: 7n, first: false, follow: false },
  ])("toFlowsRequest: converts $line", ({ line, ...expected }) => {
    const flags = parseFlowFlags(
      line.split(" ").filter((arg) => arg !== ""),
      { now },
    );
    const request = toFlowsRequest(flags);
    expect(request).toMatchObject(expected);
    expect(request.whitelist).toEqual(flags.allow);
    expect(request.blacklist).toEqual(flags.deny);
    expect(request.since).toEqual(flags.since);
    expect(request.until).toEqual(flags.until);
  });
});

describe("parseFlowFlags: additional flags of the caller", () => {
  const extra = [
    { name: "output", shorthand: "o", value: "string", help: "" },
    { name: "debug", shorthand: "D", value: "boolean", help: "" },
    { name: "input-file", value: "strings", help: "" },
    { name: "field-mask", value: "list", help: "" },
    { name: "count", value: "uint64", help: "" },
    { name: "listen-port", value: "uint16", help: "" },
    { name: "timeout", value: "duration", help: "" },
    { name: "color", value: "string", bare: "always", help: "" },
  ] as const;

  test("are returned by name, with their types", () => {
    const args =
      "-ojson a --not -D -n x --input-file f,g --input-file h --field-mask a,b --field-mask c --count 0x2 --listen-port 0xffff --timeout 1m0.5s --color b";
    const flags = parseFlowFlags(args.split(" "), { extra });
    expect(flags.extra).toEqual({
      output: "json",
      debug: true,
      "input-file": ["f,g", "h"],
      "field-mask": ["a", "b", "c"],
      count: 2n,
      "listen-port": 65_535,
      timeout: 60_500,
      color: "always",
    });
    expect(flags.positionals).toEqual(["a", "b"]);
    expect(flags.deny.length).toBe(2);
    expectTypeOf(flags.extra.output).toEqualTypeOf<string | undefined>();
    expectTypeOf(flags.extra.count).toEqualTypeOf<bigint | undefined>();
    expectTypeOf(flags.extra["listen-port"]).toEqualTypeOf<number | undefined>();
    expectTypeOf(flags.extra.debug).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(flags.extra["field-mask"]).toEqualTypeOf<readonly string[] | undefined>();
  });

  test("are absent if not set", () => {
    expect(parseFlowFlags([], { extra }).extra).toEqual({});
    expect(parseFlowFlags([]).extra).toEqual({});
  });

  test.each([
    { args: ["-o"], message: "flag needs an argument: 'o' in -o" },
    {
      args: ["--timeout", "5"],
      message: 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"',
    },
    {
      args: ["--listen-port", "65536"],
      message:
        'invalid argument "65536" for "--listen-port" flag: strconv.ParseUint: parsing "65536": value out of range',
    },
    {
      args: ["--field-mask", '"a'],
      message:
        'invalid argument "\\"a" for "--field-mask" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
    },
    {
      args: ["-D=2"],
      message: 'invalid argument "2" for "-D, --debug" flag: strconv.ParseBool: parsing "2": invalid syntax',
    },
  ])("are rejected: $args", ({ args, message }) => {
    expect(faultOf(() => parseFlowFlags(args, { extra })).message).toBe(message);
  });

  test("cannot have the name of another flag", () => {
    const flag = { value: "boolean", help: "" } as const;
    for (const [extra, name] of [
      [[{ ...flag, name: "pod" }], "--pod"],
      [[{ ...flag, name: "x", shorthand: "n" }], "-n"],
      [
        [
          { ...flag, name: "x" },
          { ...flag, name: "x" },
        ],
        "--x",
      ],
    ] as const) {
      expect(() => parseFlowFlags([], { extra })).toThrow(new TypeError(`two flags are called ${name}`));
    }
  });

  test("may have the names of properties of Object.prototype", () => {
    const flags = [{ name: "__proto__", value: "string", help: "" }] as const;
    const { extra } = parseFlowFlags(["--__proto__", "x"], { extra: flags });
    expect(Object.entries(extra)).toEqual([["__proto__", "x"]]);
    expect(() => parseFlowFlags(["--toString", "x"])).toThrow("unknown flag: --toString");
  });
});

describe("FLOW_FLAGS", () => {
  test("describes every flag for the help", () => {
    for (const flag of FLOW_FLAGS) {
      expect(flag.name).toMatch(/^[a-z]+(-[a-z0-9]+)*[0-9]?$/);
      expect(FLOW_FLAG_GROUPS).toContain(flag.group);
      expect(flag.help).toMatch(/^[A-Z].*\.$/s);
      if (flag.shorthand !== undefined) expect(flag.shorthand).toMatch(/^[a-zA-Z0-9]$/);
      const takesValue = flag.bare === undefined && flag.value !== "boolean";
      expect(flag.placeholder !== undefined, flag.name).toBe(takesValue);
    }
    expect(new Set(FLOW_FLAGS.map(({ name }) => name)).size).toBe(FLOW_FLAGS.length);
  });
});

describe("parseFlowFlags: any arguments", () => {
  const VALUES = [
    "a",
    "ns/p",
    "ns/",
    "/",
    "",
    "80",
    "0x10",
    "DROPPED",
    "POLICY_DENIED",
    "SYN,ACK",
    "trace:to-host",
    "l7",
    "ingress",
    "a:b",
    "5m",
    "2021-11-10",
    "1.1.1.1",
    '{"uuid":["a"]}',
    "{",
    "host",
    "app=b",
  ];
  const names = FLOW_FLAGS.map(({ name }) => name);
  const value = fc.oneof(fc.constantFrom(...VALUES), fc.string(), fc.string({ unit: "binary" }));
  const argument = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names).map((name) => [`--${name}`]) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => [`--${name}`, text]),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => [`--${name}=${text}`]),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(..."nlt46Af"), value).map(([name, text]) => [`-${name}${text}`]),
    },
    { weight: 1, arbitrary: value.map((text) => [text]) },
  );
  const args = fc.array(argument, { maxLength: 6 }).map((all) => all.flat());

  test("result in flags or a FlowscribeError", () => {
    fc.assert(
      fc.property(args, fc.option(fc.string(), { nil: undefined }), (all, variable) => {
        try {
          const { allow, deny } = parseFlowFlags(all, { now, env: { HUBBLE_ALLOWLIST: variable } });
          expect(() => checkFlowFilters({ allow, deny })).not.toThrow();
        } catch (error) {
          expect(error).toBeInstanceOf(FlowscribeError);
        }
      }),
      { numRuns: runs(2000) },
    );
  });

  test("result in filters that are the same when formatted and parsed again", () => {
    fc.assert(
      fc.property(args, (all) => {
        let flags: ReturnType<typeof parseFlowFlags>;
        try {
          flags = parseFlowFlags(all, { now });
        } catch {
          return;
        }
        const yaml = formatFlowFlags(flags);
        const raw: string[] = [];
        let flag = "";
        for (const line of yaml.trimEnd().split("\n")) {
          if (line.endsWith("list:")) flag = `--${line.slice(0, -1)}`;
          else if (line.startsWith("    - '")) raw.push(flag, line.slice(7, -1).replaceAll("''", "'"));
          // Another test covers characters that YAML escapes.
          else if (line !== "{}") return;
        }
        const read = parseFlowFlags(raw);
        expect(formatFlowFlags(read)).toBe(yaml);
        expect(read.allow).toEqual(flags.allow);
        expect(read.deny).toEqual(flags.deny);
      }),
      { numRuns: runs(500) },
    );
  });

  test("filters of every kind of flag compile", () => {
    const { allow, deny } = parseFlowFlags(
      "--from-pod a/b --to-port 80 --protocol tcp -t trace:to-host --verdict FORWARDED --not --http-path ^/x --not -t l7".split(
        " ",
      ),
    );
    expect(() => compileFlowFilters({ allow, deny })).not.toThrow();
  });
});

test("parseFlowFlags: rejects a command line that is one string", () => {
  // An untyped caller.
  const args = "--pod x" as unknown as string[];
  expect(() => parseFlowFlags(args)).toThrow(
    new TypeError('parseFlowFlags: args must be a list, not "--pod x"'),
  );
});
