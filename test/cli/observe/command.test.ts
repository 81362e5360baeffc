import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { MAX_REPORTED } from "../../../src/cli/input/report.js";
import { BrokenPipe } from "../../../src/cli/io/io.js";
import { runCli } from "../../../src/cli/run.js";
import { fakeClock } from "../../support/fake-clock.js";
import { repository } from "../../support/run.js";
import { fakeIo, flowLine, oneTurn, outputOf, podsOf, runFake, slowClock } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-observe-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const CAPTURE = join(repository, "examples/captures/sample.pcap");
const CAPTURE_NG = join(repository, "examples/captures/sample.pcapng");
/** The same with an additional packet that is truncated in the IPv4 header. */
const CUT = file("cut.pcap", Buffer.concat([readFileSync(CAPTURE), cutPacket()]));
const LINES = ["a", "b", "c"].map((pod, second) => flowLine(pod, { second })).join("");
const COMPACT = "10.0.0.2:80 (unknown) UNKNOWN FORWARDED ()";

function cutPacket(): Uint8Array {
  const record = new Uint8Array(16 + 20);
  record[8] = 20;
  record[12] = 20;
  record[16 + 12] = 0x08;
  record[16 + 14] = 0x45;
  return record;
}

describe("observe: inputs", () => {
  test.each([
    { name: "standard input without a name", args: [], stdin: LINES },
    { name: "standard input named -", args: ["-"], stdin: LINES },
    { name: "standard input with --input-file", args: ["--input-file", "-"], stdin: LINES },
    { name: "standard input compressed with gzip", args: ["-"], stdin: gzipSync(LINES) },
    { name: "a file", args: [file("a.log", LINES)] },
    { name: "a file with --input-file", args: ["--input-file", file("a.log", LINES)] },
    { name: "a file compressed with gzip", args: [file("a.log.gz", gzipSync(LINES))] },
    { name: "a file after --", args: ["--", file("a.log", LINES)] },
  ])("reads $name", async ({ args, stdin = "" }) => {
    const out = await outputOf(["observe", ...args], { stdin });
    expect(podsOf(out)).toEqual(["a", "b", "c"]);
    expect(out.split("\n")[0]).toBe(`Nov 22 10:00:00.000: shop/a:40000 (ID:1007) <> ${COMPACT}`);
  });

  test("reads several inputs in order, those of --input-file first", async () => {
    const [x, y, z] = ["x", "y", "z"].map((pod) => file(pod, flowLine(pod)));
    expect(podsOf(await outputOf(["observe", x!, y!, "--input-file", z!]))).toEqual(["z", "x", "y"]);
  });

  test("counts --first and --last across all inputs", async () => {
    const [x, y] = ["x", "y"].map((pod) => file(pod, flowLine(pod) + flowLine(`${pod}${pod}`)));
    expect(podsOf(await outputOf(["observe", "--first", "3", x!, y!]))).toEqual(["x", "xx", "y"]);
    expect(podsOf(await outputOf(["observe", "--last", "3", x!, y!]))).toEqual(["xx", "y", "yy"]);
  });

  test("converts a capture to flows and filters its packets by the flags", async () => {
    const all = await outputOf(["observe", CAPTURE]);
    expect(all.trimEnd().split("\n")).toHaveLength(527);
    const opened = await outputOf(["observe", "--tcp-flags", "SYN", "--to-port", "80", "--ipv6", CAPTURE]);
    const lines = opened.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(line).toMatch(/ <> \[.*\]:80 .*TCP Flags: SYN/);
    expect(await outputOf(["observe", CAPTURE], { stdin: "" })).toBe(all);
    expect(await outputOf(["observe"], { stdin: readFileSync(CAPTURE) })).toBe(all);
    expect(await outputOf(["observe"], { stdin: gzipSync(readFileSync(CAPTURE)) })).toBe(all);
  });

  test("an invalid byte, a hole or an unknown extension does not affect other lines", async () => {
    const [a, b, c] = ["a", "b", "c"].map((pod) => Buffer.from(flowLine(pod)));
    const bad = Buffer.from(b!).fill(0xff, 40, 41);
    const withNul = Buffer.from(b!).fill(0, 40, 41);
    for (const [middle, message] of [
      [bad, "line 2: not valid UTF-8"],
      [withNul, "line 2: not JSON"],
    ] as const) {
      for (const compress of [(bytes: Buffer) => bytes, gzipSync]) {
        const stdin = compress(Buffer.concat([a!, middle, Buffer.alloc(5000), c!]));
        const { code, out, err } = await runFake(["observe", "--strict-input"], { stdin });
        expect(code).toBe(EXIT.incomplete);
        expect(podsOf(out)).toEqual(["a", "c"]);
        expect(err).toContain(message);
        expect(err).toContain("standard input: 1 line skipped\n");
      }
    }
    const retina = flowLine("a").replace(
      '"flow":{',
      '"flow":{"extensions":{"@type":"t/utils.RetinaMetadata","bytes":66},',
    );
    const outcome = await runFake(["observe", "--strict-input"], { stdin: retina.repeat(2) });
    expect(outcome.code).toBe(EXIT.ok);
    expect(podsOf(outcome.out)).toEqual(["a", "a"]);
    expect(outcome.err).toBe(
      'standard input: line 1: extensions of type "utils.RetinaMetadata" are unknown; kept in JSON output, ignored otherwise\n',
    );
  });

  test("reads lines of container logs and skips unrelated JSON", async () => {
    const line = flowLine("a").trimEnd();
    const stdin = `2026-11-22T10:00:00Z stdout F ${line}\n{"log":${JSON.stringify(line)}}\n{"foo":1}\n`;
    const { code, out, err } = await runFake(["observe", "--strict-input"], { stdin });
    expect(code).toBe(EXIT.incomplete);
    expect(podsOf(out)).toEqual(["a", "a"]);
    expect(err).toMatch(/^standard input: line 3: no event: /);
  });

  test("filters pcapng by interface", async () => {
    const count = async (...args: string[]) =>
      (await outputOf(["observe", "-o", "jsonpb", ...args, CAPTURE_NG])).split("\n").length - 1;
    const client = await count("--interface", "rt-client");
    const server = await count("--interface", "rt-server");
    expect(client).toBeGreaterThan(0);
    expect(server).toBeGreaterThan(0);
    expect(client + server).toBe(await count());
  });

  test("--node and --guess-replies complete the flows of packets", async () => {
    const out = await outputOf([
      "observe",
      "--node",
      "one/w",
      "--guess-replies",
      "--print-node-name",
      CAPTURE,
    ]);
    expect(out).toMatch(/^Nov 22 .* \[one\/w\]: .* -> /m);
    expect(out).toMatch(/ <- /);
    const json = await outputOf(["observe", "--node", "one/w", "--first", "1", "-o", "json", CAPTURE]);
    expect(JSON.parse(json)).toMatchObject({ node_name: "one/w", flow: { node_name: "one/w" } });
  });

  test("--strict skips and reports packets that Hubble rejects", async () => {
    const { code, out, err } = await runFake(["observe", "--strict", CUT]);
    expect(code).toBe(EXIT.ok);
    expect(out.trimEnd().split("\n")).toHaveLength(527);
    expect(err.split("\n")).toEqual([
      `${CUT}: packet 528, IPv4 at byte 14: Invalid ip4 header. Length 6 less than 20`,
      `${CUT}: 1 packet skipped`,
      "",
    ]);
    expect((await outputOf(["observe", CUT])).trimEnd().split("\n")).toHaveLength(528);
  });

  test("does not wait for standard input that is a terminal", async () => {
    expect(await runFake(["observe"], { stdinTerminal: true })).toEqual({
      code: EXIT.usage,
      out: "",
      err: "no input: name files, or - for standard input\nSee: flowscribe observe --help\n",
    });
  });
});

describe("observe: unreadable input", () => {
  test("reports invalid lines with file and line number, counts and skips them", async () => {
    const path = file("bad.log", `${flowLine("a")}{"flow":\n\u001b[2J\n${flowLine("b")}`);
    const { code, out, err } = await runFake(["observe", path]);
    expect(code).toBe(EXIT.ok);
    expect(podsOf(out)).toEqual(["a", "b"]);
    const lines = err.trimEnd().split("\n");
    expect(lines[0]).toMatch(/bad\.log: line 2: not JSON: /);
    expect(lines[1]).toMatch(/bad\.log: line 3: not JSON: .*\^\[\[2J/);
    expect(lines[2]).toBe(`${path}: 2 lines skipped`);
    expect(lines).toHaveLength(3);
  });

  test("reports the first of many invalid lines individually", async () => {
    const { code, err } = await runFake(["observe", "-"], { stdin: "x\n".repeat(500) + flowLine("a") });
    expect(code).toBe(EXIT.ok);
    const lines = err.trimEnd().split("\n");
    expect(lines).toHaveLength(MAX_REPORTED + 2);
    expect(lines.slice(-2)).toEqual([
      "standard input: more lines cannot be read …",
      "standard input: 500 lines skipped",
    ]);
  });

  test("--strict-input sets the exit code, --silent-errors prints nothing", async () => {
    const path = file("bad.log", `x\n${flowLine("a")}`);
    expect((await runFake(["observe", "--strict-input", path])).code).toBe(EXIT.incomplete);
    expect((await runFake(["observe", "--strict-input", "--strict", CUT])).code).toBe(EXIT.incomplete);
    expect((await runFake(["observe", "--strict-input", CUT])).code).toBe(EXIT.ok);
    const { code, err } = await runFake(["observe", "-s", "--strict-input", path]);
    expect({ code, err }).toEqual({ code: EXIT.incomplete, err: "" });
  });

  test("reports an unknown field once for all files", async () => {
    const line = '{"flow":{"field_of_the_future":1},"time":"2026-11-22T10:00:00Z"}\n';
    const path = file("new.log", line + line);
    const { code, out, err } = await runFake(["observe", path, path]);
    expect(code).toBe(EXIT.ok);
    expect(out.trimEnd().split("\n")).toHaveLength(4);
    expect(err).toBe(
      `${path}: line 1: flow.Flow has no field "field_of_the_future"; kept in JSON output, ignored otherwise\n`,
    );
  });

  test.each([
    { name: "a missing file", path: join(folder, "none"), err: /^open .*none: no such file or directory\n$/ },
    { name: "a folder", path: folder, err: /^read .*: is a directory\n$/ },
    { name: "an executable", path: process.execPath, err: /: not export lines but an ELF program\n$/ },
    {
      name: "an unsupported compression",
      path: file("events.zst", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2)),
      err: /events\.zst: not export lines but zstd-compressed data; decompress it first: zstd -dc\n$/,
    },
    {
      name: "binary data",
      path: file("binary", Uint8Array.of(0x80, 1, 2, 3, 4, 5, 6, 0, 7)),
      err: /binary: neither export lines nor a capture\n$/,
    },
    {
      name: "a truncated capture",
      path: file("half.pcap", readFileSync(CAPTURE).subarray(0, 5000)),
      err: /^.*half\.pcap: .*\(at byte \d+\)\n$/,
    },
    {
      name: "a truncated gzip file",
      path: file("half.gz", gzipSync(LINES.repeat(100)).subarray(0, 200)),
      err: /half\.gz: the gzip data ends too early \(at byte 200\)\n$/,
    },
  ])("reports $name as a failure and reads the next file", async ({ path, err }) => {
    const next = file("next.log", flowLine("next"));
    const outcome = await runFake(["observe", path, next]);
    expect(outcome.code).toBe(EXIT.failed);
    expect(podsOf(outcome.out).at(-1)).toBe("next");
    expect(outcome.err).toMatch(err);
  });

  test("prints the packets before the damage", async () => {
    const out = (await runFake(["observe", join(folder, "half.pcap")])).out;
    expect(out.trimEnd().split("\n").length).toBeGreaterThan(5);
  });
});

describe("observe: events without a JSON form", () => {
  test("prints flows whose extension contains a number that is too large", async () => {
    const extensions = '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"b":1e400}}';
    const lines = [
      '{"flow":{"uuid":"1"}}',
      `{"flow":{"uuid":"2","extensions":${extensions}}}`,
      '{"flow":{"uuid":"3"}}',
    ];
    const stdin = lines.map((line) => `${line}\n`).join("");
    const { code, out, err } = await runFake(["observe", "-o", "jsonpb"], { stdin });
    expect({ code, out }).toEqual({ code: EXIT.ok, out: stdin });
    expect(err).toBe(
      "standard input: line 2: google.protobuf.Struct has a number that is too large for a double; " +
        "kept in JSON output, ignored otherwise\n",
    );
  });
});

describe("observe: -o raw", () => {
  const odd = `${flowLine("odd", { second: 3 }).trimEnd().replace('"flow":{', '"flow" : {"future":1.0,')}\t\n`;

  /** Like runFake, but the output is written as bytes. */
  async function runRaw(args: readonly string[], world: Parameters<typeof fakeIo>[0] = {}) {
    const io = fakeIo(world);
    const code = await runCli(args, io);
    expect(io.out()).toBe("");
    return { code, out: Buffer.from(io.bytes()).toString(), err: io.err() };
  }

  async function rawOutput(...args: Parameters<typeof runRaw>): Promise<string> {
    const { code, out, err } = await runRaw(...args);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    return out;
  }

  test("prints matching lines unchanged", async () => {
    const stdin = `${LINES}${odd}`;
    expect(await rawOutput(["observe", "-o", "raw"], { stdin })).toBe(stdin);
    expect(await rawOutput(["observe", "-o", "raw", "--pod", "shop/odd"], { stdin })).toBe(odd);
    expect(await rawOutput(["observe", "-o", "raw", "--not", "--pod", "shop/odd"], { stdin })).toBe(LINES);
    expect(await rawOutput(["observe", "-o", "raw", "--pod", "none/"], { stdin })).toBe("");
    expect(await rawOutput(["observe", "-o", "raw"], { stdin: gzipSync(stdin.trimEnd()) })).toBe(
      `${stdin.trimEnd()}\n`,
    );
  });

  test("counts --first and --last, and compares times", async () => {
    const [a, b, c] = ["a", "b", "c"].map((pod, second) => flowLine(pod, { second }));
    const path = file("raw.log", LINES);
    expect(await rawOutput(["observe", "-o", "raw", "--first", "2", path])).toBe(`${a}${b}`);
    expect(await rawOutput(["observe", "-o", "raw", "--last", "2", path, path])).toBe(`${b}${c}`);
    const clock = fakeClock(Date.parse("2026-11-22T10:00:11Z"));
    expect(await rawOutput(["observe", "-o", "raw", "--since", "10s"], { stdin: LINES, clock })).toBe(
      `${b}${c}`,
    );
    expect(
      await rawOutput(["observe", "-o", "raw", "--since", "10s", "--pod", "shop/c"], { stdin: LINES, clock }),
    ).toBe(c);
  });

  test("prints other events that are not filtered out", async () => {
    const lost = '{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"1"}}\n';
    expect(await rawOutput(["observe", "-o", "raw"], { stdin: lost })).toBe(lost);
    expect(await rawOutput(["observe", "-o", "raw", "--pod", "shop/"], { stdin: lost })).toBe("");
  });

  test("reports damaged lines, with --strict-input also those with damage in values that are not needed", async () => {
    const bad = `{"flow":{"uuid":5,"source":{"namespace":"shop"}}}\n{"flow":}\n`;
    const stdin = `${LINES}${bad}${odd}`;
    const quick = await runRaw(["observe", "-o", "raw", "--namespace", "none"], { stdin });
    expect(quick).toMatchObject({ code: EXIT.ok, out: "" });
    expect(quick.err).toMatch(/^standard input: line 5: .*\nstandard input: 1 line skipped\n$/);
    const strict = await runRaw(["observe", "-o", "raw", "--strict-input"], { stdin });
    expect(strict).toMatchObject({ code: EXIT.incomplete, out: `${LINES}${odd}` });
    expect(strict.err).toMatch(/line 4: .*\n.*line 5: .*\n.*"future".*\n.*2 lines skipped\n$/);
  });

  test("rejects captures", async () => {
    const { code, out, err } = await runRaw(["observe", "-o", "raw", CAPTURE]);
    expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
    expect(err).toBe(`${CAPTURE}: a capture has no lines: the output format raw requires export lines\n`);
  });
});

describe("observe: output", () => {
  test.each([
    { args: [], out: `Nov 22 10:00:00.000: shop/a:40000 (ID:1007) <> ${COMPACT}\n` },
    {
      args: ["-o", "compact", "--print-node-name"],
      out: `Nov 22 10:00:00.000 [one/worker-1]: shop/a:40000 (ID:1007) <> ${COMPACT}\n`,
    },
    { args: ["--numeric"], out: `Nov 22 10:00:00.000: 10.0.0.1:40000 (ID:1007) <> ${COMPACT}\n` },
    {
      args: ["--ip-translation=false"],
      out: `Nov 22 10:00:00.000: 10.0.0.1:40000 (ID:1007) <> ${COMPACT}\n`,
    },
    {
      args: ["--time-format", "RFC3339"],
      out: `2026-11-22T10:00:00Z: shop/a:40000 (ID:1007) <> ${COMPACT}\n`,
    },
    { args: ["-o", "jsonpb"], out: undefined },
    { args: ["-o", "json"], out: undefined },
    { args: ["-o", "JSON"], out: undefined },
    { args: ["-j"], out: undefined },
    {
      args: ["-o", "json", "--experimental-field-mask", "verdict,source.pod_name"],
      out: '{"flow":{"verdict":"FORWARDED","source":{"pod_name":"a"}}}\n',
    },
    {
      args: ["--experimental-use-default-field-masks"],
      out: `Nov 22 10:00:00.000: shop/a:40000 (ID:1007) <> ${COMPACT}\n`,
    },
  ])("prints the expected output with $args", async ({ args, out }) => {
    const printed = await outputOf(["observe", "--first", "1", ...args], { stdin: LINES });
    if (out === undefined) expect(JSON.parse(printed)).toEqual(JSON.parse(LINES.split("\n")[0]!));
    else expect(printed).toBe(out);
  });

  test("prints colors on a terminal", async () => {
    const stdin = flowLine("a");
    expect(await outputOf(["observe"], { stdin, stdoutTerminal: true })).toContain("\u001b[36m");
    expect(await outputOf(["observe", "--color", "always"], { stdin })).toContain("\u001b[36m");
    expect(
      await outputOf(["observe"], { stdin, stdoutTerminal: true, env: { NO_COLOR: "1" } }),
    ).not.toContain("\u001b");
    expect(await outputOf(["observe", "--color", "never"], { stdin, stdoutTerminal: true })).not.toContain(
      "\u001b",
    );
  });

  test("--raw-controls prints control characters of flows unchanged", async () => {
    const stdin = flowLine("\u001b[2J");
    expect(await outputOf(["observe"], { stdin })).toContain("shop/^[[2J:");
    expect(await outputOf(["observe", "--raw-controls"], { stdin })).toContain("shop/\u001b[2J:");
  });

  test("reports node status and lost events on standard error, or prints them", async () => {
    const stdin =
      '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"5"}}\n' +
      '{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["a"]},"node_name":"relay"}\n';
    const quiet = await runFake(["observe"], { stdin });
    expect(quiet).toEqual({ code: EXIT.ok, out: "", err: "N/A [relay]: 1 nodes are unavailable: a\n" });
    expect((await runFake(["observe", "-s"], { stdin })).err).toBe("");
    expect((await runFake(["observe", "--debug"], { stdin })).err).toContain("LostEvents");
    expect((await runFake(["observe", "--lost-events"], { stdin })).out).toBe(
      "EVENTS LOST: HUBBLE_RING_BUFFER CPU(0) 5\n",
    );
  });

  test("--print-raw-filters does not read any input", async () => {
    const out = await outputOf(["observe", "--print-raw-filters", "-t", "drop", join(folder, "none")]);
    expect(out).toBe('allowlist:\n    - \'{"event_type":[{"type":1}]}\'\n');
    expect(await outputOf(["observe", "--print-raw-filters"])).toBe("{}\n");
    const env = { HUBBLE_DENYLIST: '{"uuid":["1"]}' };
    expect(await outputOf(["observe", "--print-raw-filters"], { env })).toBe(
      'denylist:\n    - \'{"uuid":["1"]}\'\n',
    );
  });

  test("--explain prints for every event why it matches or not", async () => {
    const out = await outputOf(["observe", "--explain", "--pod", "shop/b", "--last", "2"], { stdin: LINES });
    expect(out).toBe(
      [
        `Nov 22 10:00:01.000: shop/b:40000 (ID:1007) <> ${COMPACT}`,
        "  flow.Flow passes: allow[0] matches",
        "    allow[0] matches",
        '      ✓ source_pod: wanted "shop/b", seen "shop/b"',
        "    allow[1] does not match",
        '      ✗ destination_pod: wanted "shop/b", seen nothing',
        `Nov 22 10:00:02.000: shop/c:40000 (ID:1007) <> ${COMPACT}`,
        "  flow.Flow does not pass: no allow filter matches",
        "    allow[0] does not match",
        '      ✗ source_pod: wanted "shop/b", seen "shop/c"',
        "    allow[1] does not match",
        '      ✗ destination_pod: wanted "shop/b", seen nothing',
        "",
      ].join("\n"),
    );
  });

  test("--since and --until are relative to the clock", async () => {
    const clock = fakeClock(Date.parse("2026-11-22T10:00:11Z"));
    expect(podsOf(await outputOf(["observe", "--since", "10s"], { stdin: LINES, clock }))).toEqual([
      "b",
      "c",
    ]);
    expect(podsOf(await outputOf(["observe", "--until", "10s"], { stdin: LINES, clock }))).toEqual([
      "a",
      "b",
    ]);
  });

  test("writes in large chunks and waits while the output is full", async () => {
    const path = file("long.log", LINES.repeat(3000));
    let waits = 0;
    let writing = false;
    const writes: number[] = [];
    const io = fakeIo({
      stdout: {
        write: async (text) => {
          expect(writing).toBe(false);
          writing = true;
          writes.push(text.length);
          waits++;
          await oneTurn();
          writing = false;
        },
      },
    });
    expect(await runCli(["observe", "-o", "jsonpb", path], io)).toBe(EXIT.ok);
    const total = writes.reduce((sum, length) => sum + length, 0);
    expect(total).toBe(LINES.length * 3000);
    expect(total / writes.length).toBeGreaterThan(30_000);
    expect(Math.max(...writes)).toBeLessThan(140_000);
    expect(waits).toBe(writes.length);
  });

  test("prints the received flows before it waits for more input", async () => {
    let resume = () => {};
    const more = new Promise<void>((resolve) => {
      resume = resolve;
    });
    async function* stdin() {
      yield Buffer.from(flowLine("a"));
      await more;
      yield Buffer.from(flowLine("b"));
    }
    const io = fakeIo({ stdin: stdin() });
    const code = runCli(["observe", "-"], io);
    for (let turn = 0; turn < 1000 && io.out() === ""; turn++) await oneTurn();
    expect(podsOf(io.out())).toEqual(["a"]);
    resume();
    expect(await code).toBe(EXIT.ok);
    expect(podsOf(io.out())).toEqual(["a", "b"]);
  });

  test("exits without an error on a closed pipe and stops reading the input", async () => {
    let left = false;
    async function* stdin() {
      try {
        for (;;) yield Buffer.from(flowLine("a"));
      } finally {
        left = true;
      }
    }
    const write = () => {
      throw new BrokenPipe();
    };
    expect(await runFake(["observe"], { stdin: stdin(), stdout: { write } })).toEqual({
      code: EXIT.ok,
      out: "",
      err: "",
    });
    await oneTurn();
    expect(left).toBe(true);
  });
});

describe("observe: a signal", () => {
  const unfinishedInput = (text: string) => {
    async function* stdin() {
      yield Buffer.from(text);
      await new Promise(() => {});
    }
    return stdin();
  };

  test.each([
    { name: "the received flows", args: [], pods: ["a", "b", "c"] },
    { name: "the last of the received flows", args: ["--last", "2"], pods: ["b", "c"] },
  ])("prints $name and sets the exit code of the signal", async ({ args, pods }) => {
    const io = fakeIo({ stdin: unfinishedInput(LINES) });
    const code = runCli(["observe", ...args, "-"], io);
    for (let turn = 0; turn < 20; turn++) await oneTurn();
    io.interrupt("SIGTERM");
    expect(await code).toBe(EXIT.terminated);
    expect(podsOf(io.out())).toEqual(pods);
    expect(io.err()).toBe("");
  });

  test("prints the table", async () => {
    const io = fakeIo({ stdin: unfinishedInput(LINES) });
    const code = runCli(["observe", "-o", "table", "-"], io);
    for (let turn = 0; turn < 20; turn++) await oneTurn();
    expect(io.out()).toBe("");
    io.interrupt();
    expect(await code).toBe(EXIT.interrupted);
    expect(io.out().split("\n")).toHaveLength(5);
  });
});

describe("observe: progress", () => {
  const path = file("long.log", LINES.repeat(3000));
  const run = async (
    args: readonly string[],
    terminals: { stderrTerminal?: boolean; stdoutTerminal?: boolean },
  ) => {
    const clock = slowClock();
    const io = fakeIo({ ...terminals, columns: 200, clock });
    expect(await runCli(["observe", ...args, path], io)).toBe(EXIT.ok);
    return io.err();
  };

  test("is shown on a terminal and erased at the end", async () => {
    const err = await run(["-o", "table"], { stderrTerminal: true });
    expect(err).toMatch(/\[#+\.+\] \d+% of \d+\.\d MB, \d+\.\d MB\/s {2}.*long\.log/);
    expect(err.endsWith("\r\u001b[K")).toBe(true);
  });

  test.each([
    { name: "without a terminal", args: [], terminals: {} },
    { name: "with --progress=false", args: ["--progress=false"], terminals: { stderrTerminal: true } },
    { name: "with --silent-errors", args: ["-s"], terminals: { stderrTerminal: true } },
  ])("is not shown $name", async ({ args, terminals }) => {
    expect(await run(args, terminals)).toBe("");
  });

  test("is erased before flows are printed to the same terminal", async () => {
    const err = await run([], { stderrTerminal: true, stdoutTerminal: true });
    const shown = err.split("\r\u001b[K").filter((text) => text !== "");
    expect(shown.length).toBeGreaterThan(2);
  });

  test("shows bytes for an input of unknown size", async () => {
    const clock = slowClock();
    async function* stdin() {
      for (let n = 0; n < 10; n++) yield Buffer.from(LINES.repeat(100));
    }
    const io = fakeIo({ stderrTerminal: true, columns: 200, clock, stdin: stdin() });
    expect(await runCli(["observe"], io)).toBe(EXIT.ok);
    expect(io.err()).toMatch(/standard input: \d+\.\d MB, \d+\.\d MB\/s/);
  });
});
