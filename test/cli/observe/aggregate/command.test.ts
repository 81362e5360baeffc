import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../../src/cli/exit-code.js";
import { BrokenPipe } from "../../../../src/cli/io/io.js";
import { MAX_GROUPS } from "../../../../src/cli/observe/aggregate/options.js";
import { OBSERVE_FLAGS } from "../../../../src/cli/observe/flags.js";
import { runCli } from "../../../../src/cli/run.js";
import * as collect from "../../../../src/collect/index.js";
import { openRecorderServer } from "../../../../src/rpc/index.js";
import { fakeObserver } from "../../../../src/testing/index.js";
import { testRecorder } from "../../../rpc/servers.js";
import { fakeClock } from "../../../support/fake-clock.js";
import { repository } from "../../../support/run.js";
import { fakeIo, flowLine, oneTurn, outputOf, runFake } from "../../fake-io.js";

const BY_POD = ["observe", "--aggregate-by", "source.pod_name"];
const HEADING = "FLOWS  INGRESS  EGRESS  UNKNOWN  source.pod_name\n";
const PODS = ["a", "b", "b", "c", "b", "c"];
const LINES = PODS.map((pod, second) => flowLine(pod, { second })).join("");
const TABLE = `${HEADING}    3        0       0        3  b\n    2        0       0        2  c\n    1        0       0        1  a\n`;

/** Standard input that the test feeds. */
function feed() {
  const chunks: (string | Error | undefined)[] = [];
  async function* stdin(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      while (chunks.length === 0) await oneTurn();
      const chunk = chunks.shift();
      if (chunk === undefined) return;
      if (chunk instanceof Error) throw chunk;
      yield new TextEncoder().encode(chunk);
    }
  }
  return { stdin: stdin(), push: (...more: (string | Error | undefined)[]) => chunks.push(...more) };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

/** Some turns in which everything that can happen happens. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await oneTurn();
}

describe("observe --aggregate-by", () => {
  test("prints one table at the end", async () => {
    expect(await outputOf(BY_POD, { stdin: LINES })).toBe(TABLE);
    expect(await outputOf([...BY_POD, "-o", "table"], { stdin: LINES })).toBe(TABLE);
    expect(await outputOf(BY_POD, { stdin: "" })).toBe("");
  });

  test.each(["json", "jsonpb"])("prints one line for each group with -o %s", async (output) => {
    const lines = (await outputOf([...BY_POD, "-o", output], { stdin: LINES })).trimEnd().split("\n");
    const flows = lines.map((line) => JSON.parse(line).flow);
    expect(flows.map(({ source, aggregate }) => [source.pod_name, aggregate])).toEqual([
      ["a", { unknown_direction_flow_count: 1 }],
      ["b", { unknown_direction_flow_count: 3 }],
      ["c", { unknown_direction_flow_count: 2 }],
    ]);
    expect(flows[1].time).toBe("2026-11-22T10:00:01Z");
  });

  test("aggregates what the filters and limits select", async () => {
    expect(await outputOf([...BY_POD, "--first", "2"], { stdin: LINES })).toBe(
      `${HEADING}    1        0       0        1  a\n    1        0       0        1  b\n`,
    );
    expect(await outputOf([...BY_POD, "--last", "3"], { stdin: LINES })).toBe(
      `${HEADING}    2        0       0        2  c\n    1        0       0        1  b\n`,
    );
    expect(await outputOf([...BY_POD, "--pod", "shop/c"], { stdin: LINES })).toBe(
      `${HEADING}    2        0       0        2  c\n`,
    );
  });

  test("aggregates packets of captures", async () => {
    const capture = join(repository, "examples/captures/sample.pcap");
    const all = await outputOf(["observe", "-o", "jsonpb", capture]);
    const table = await outputOf(["observe", "--aggregate-by", "IP.ipVersion", capture]);
    const counts = [...table.matchAll(/^ *(\d+)/gm)].map(([, count]) => Number(count));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.trimEnd().split("\n").length);
  });

  test("prints the groups of each interval of the times in a file", async () => {
    const out = await outputOf([...BY_POD, "--aggregate-interval", "3s"], { stdin: LINES });
    expect(out).toBe(
      `${HEADING}    2        0       0        2  b\n    1        0       0        1  a\n\n` +
        `${HEADING}    2        0       0        2  c\n    1        0       0        1  b\n`,
    );
    const json = [...BY_POD, "-o", "jsonpb", "--aggregate-interval", "3s"];
    expect((await outputOf(json, { stdin: LINES })).trimEnd().split("\n")).toHaveLength(4);
  });

  test("counts flows beyond --aggregate-max in a note, and writes the oldest group early in JSON", async () => {
    expect(await outputOf([...BY_POD, "--aggregate-max", "1"], { stdin: LINES })).toBe(
      `${HEADING}    1        0       0        1  a\n5 flows of further groups, beyond --aggregate-max\n`,
    );
    const out = await outputOf([...BY_POD, "-o", "jsonpb", "--aggregate-max", "1"], { stdin: LINES });
    expect([...out.matchAll(/"pod_name":"(.)"/g)].map(([, pod]) => pod)).toEqual(["a", "b", "c", "b", "c"]);
  });

  test("applies a field mask to what is printed, and warns if it removes an aggregated field", async () => {
    const mask = [...BY_POD, "-o", "jsonpb", "--experimental-field-mask"];
    const kept = await runFake([...mask, "source", "--first", "1"], { stdin: LINES });
    expect(kept.err).toBe("");
    expect(JSON.parse(kept.out).flow).toEqual({
      source: { identity: 1007, namespace: "shop", pod_name: "a" },
      aggregate: { unknown_direction_flow_count: 1 },
    });
    const removed = await runFake([...mask, "verdict"], { stdin: LINES });
    expect(removed.err).toBe("the field mask removes source.pod_name, by which flows are aggregated\n");
    expect(removed.out.split("\n")[1]).toBe(
      '{"flow":{"verdict":"FORWARDED","aggregate":{"unknown_direction_flow_count":3}}}',
    );
  });

  test.each([
    ["compact", "compact output format is not compatible with --aggregate-by; use table or jsonpb"],
    ["dict", "dict output format is not compatible with --aggregate-by; use table or jsonpb"],
    ["raw", "raw output format is not compatible with --aggregate-by; use table or jsonpb"],
  ])("rejects -o %s", async (output, message) => {
    const { code, err } = await runFake([...BY_POD, "-o", output], { stdin: "" });
    expect([code, err.split("\n")[0]]).toEqual([EXIT.usage, message]);
  });

  test.each([
    [
      ["--aggregate-by", "source.pod"],
      'invalid --aggregate-by: invalid path "source.pod" for message "flow.Flow"',
    ],
    [["--aggregate-by", ""], "--aggregate-by must have at least one field"],
    [["--aggregate-by", "aggregate"], "invalid --aggregate-by: aggregate is the result of the aggregation"],
    [["--aggregate-max", "5"], "--aggregate-max requires --aggregate-by"],
    [["--aggregate-interval", "5s"], "--aggregate-interval requires --aggregate-by"],
    [["--aggregate-by", "verdict", "--aggregate-max", "0"], "--aggregate-max must be 1 to 16777216"],
    [["--aggregate-by", "verdict", "--aggregate-interval", "0s"], "--aggregate-interval must be above 0"],
    [["--aggregate-by", "verdict", "--explain"], "cannot set both --aggregate-by and --explain"],
  ])("rejects %j", async (args, message) => {
    const { code, err } = await runFake(["observe", ...args], { stdin: "" });
    expect([code, err.split("\n")[0]]).toEqual([EXIT.usage, message]);
  });

  test("has the bounds of the aggregator", () => {
    expect(MAX_GROUPS).toBe(BigInt(collect.MAX_GROUPS));
    const { default: value } = OBSERVE_FLAGS.find(({ name }) => name === "aggregate-max") as {
      default?: string;
    };
    expect(value).toBe(String(collect.DEFAULT_MAX_GROUPS));
  });

  test("prints the table before the error of an input that fails", async () => {
    const { stdin, push } = feed();
    push(flowLine("a"), new Error("lost"));
    const { code, out, err } = await runFake(BY_POD, { stdin });
    expect(code).toBe(EXIT.failed);
    expect(out).toBe(`${HEADING}    1        0       0        1  a\n`);
    expect(err).toContain("lost");
  });

  test.each([
    ["a table", []],
    ["JSON", ["-o", "jsonpb"]],
  ])("prints the groups on an interruption as %s", async (_, output) => {
    const { stdin, push } = feed();
    const io = fakeIo({ stdin });
    const done = runCli([...BY_POD, "-f", "--since", "0s", ...output], io);
    push(flowLine("a"), flowLine("a"));
    await settle();
    expect(io.out()).toBe("");
    io.interrupt();
    await done;
    expect(io.out()).toMatch(/ 2 .*a|unknown_direction_flow_count":2/);
  });

  test("prints nothing more when the output is closed", async () => {
    const write = () => {
      throw new BrokenPipe("nobody reads the output");
    };
    const { out, err } = await runFake(BY_POD, { stdin: LINES, stdout: { write } });
    expect([out, err]).toEqual(["", ""]);
  });
});

describe("observe --aggregate-by on a terminal", () => {
  const upward = (lines: number) => `\x1b[${lines}A\r`;
  const line = (text: string) => `${text}\x1b[K\n`;
  const heading = line(HEADING.trimEnd());
  const counted = (count: number, pod: string) =>
    `${String(count).padStart(5)}        0       0  ${String(count).padStart(7)}  ${pod}`;

  test("shows the table while flows arrive, twice a second at most, and prints it at the end", async () => {
    const { stdin, push } = feed();
    const clock = fakeClock();
    const io = fakeIo({ stdin, clock, stdoutTerminal: true, columns: 80 });
    const done = runCli(BY_POD, io);
    push(flowLine("a"));
    await until(() => clock.pending > 0);
    await settle();
    expect(io.writes).toEqual([]);
    clock.advance(500);
    expect(io.writes).toEqual([`${heading}${line(counted(1, "a"))}\x1b[J`]);
    push(flowLine("b"), flowLine("b"));
    await settle();
    expect(io.writes).toHaveLength(1);
    clock.advance(500);
    expect(io.writes[1]).toBe(`${upward(2)}${heading}${line(counted(2, "b"))}${line(counted(1, "a"))}\x1b[J`);
    clock.advance(5000);
    expect(io.writes).toHaveLength(2);
    push(undefined);
    await done;
    expect(io.writes.slice(2)).toEqual([
      `${upward(3)}\x1b[J`,
      `${HEADING}${counted(2, "b")}\n${counted(1, "a")}\n`,
    ]);
    expect(clock.pending).toBe(0);
  });

  test("shows as many groups as the screen has lines, and prints all at the end", async () => {
    const { stdin, push } = feed();
    const clock = fakeClock();
    const io = fakeIo({ stdin, clock, stdoutTerminal: true, columns: 80, stdout: { rows: 5 } });
    const done = runCli(BY_POD, io);
    push(["a", "b", "c", "d", "e"].map((pod) => flowLine(pod)).join(""));
    await until(() => clock.pending > 0);
    await settle();
    clock.advance(500);
    const shown = io.writes[0]!.split("\n");
    expect(shown).toHaveLength(5);
    expect(shown[3]).toBe("… 3 more groups\x1b[K");
    push(undefined);
    await done;
    expect(io.writes.at(-1)!.split("\n")).toHaveLength(7);
  });

  test("removes the table before a message, and shows it again", async () => {
    const { stdin, push } = feed();
    const clock = fakeClock();
    const io = fakeIo({ stdin, clock, stdoutTerminal: true, stderrTerminal: true, columns: 80 });
    const done = runCli(BY_POD, io);
    push(flowLine("a"));
    await until(() => clock.pending > 0);
    await settle();
    clock.advance(500);
    push("{}}\n");
    await until(() => io.err() !== "");
    expect(io.writes[1]).toBe(`${upward(2)}\x1b[J`);
    clock.advance(500);
    expect(io.writes[2]).toBe(io.writes[0]);
    push(undefined);
    await done;
  });

  test("prints the groups of each interval of the clock while it follows", async () => {
    const { stdin, push } = feed();
    const clock = fakeClock();
    const io = fakeIo({ stdin, clock, stdoutTerminal: true, columns: 80 });
    const done = runCli([...BY_POD, "-f", "--since", "0s", "--aggregate-interval", "10s"], io);
    push(flowLine("a"));
    await until(() => clock.pending > 1);
    await settle();
    clock.advance(10_000);
    await settle();
    expect(io.writes.at(-1)).toBe(`${HEADING}${counted(1, "a")}\n`);
    push(flowLine("b"));
    await settle();
    io.interrupt();
    await done;
    expect(io.writes.at(-1)).toBe(`\n${HEADING}${counted(1, "b")}\n`);
    expect(clock.pending).toBe(0);
  });
});

describe("observe --aggregate-by with a server", () => {
  test.each(["1.16", "1.19"])("requests what it needs of a server like Hubble %s", async (version) => {
    const flows = ["a", "b", "b"].map((pod) => ({
      from: `shop/${pod}`,
      to: "10.0.0.2:80",
      trafficDirection: 2 as const,
    }));
    const observer = fakeObserver({ flows });
    const recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service, { routes: observer.routes });
    try {
      const args = [...BY_POD, "--server", server.address, "--hubble-version", version];
      const table = await outputOf(args);
      expect(table).toBe(
        `${HEADING}    2        0       2        0  b\n    1        0       1        0  a\n`,
      );
      const masked = await outputOf([...args, "-o", "jsonpb"]);
      expect([...masked.matchAll(/"egress_flow_count":(\d)/g)].map(([, count]) => count)).toEqual(["1", "2"]);
    } finally {
      await server.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    }
  });
});
