import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { packetsIn } from "../../pcap/read.js";
import { outputOf, runFake } from "../fake-io.js";
import { capture, file, folder, idsIn, record, useFolders } from "./captures.js";

useFolders();

/** Twenty packets to port 53, one each second; the tenth and the eleventh go to port 54. */
const packets = () =>
  capture(
    "in.pcap",
    Array.from({ length: 20 }, (_, id) => ({ id, matches: id !== 10 && id !== 11 })),
  );

const dropLine = (seconds: number, more = {}): string =>
  `${JSON.stringify({
    flow: {
      time: new Date(1000 * seconds).toISOString(),
      verdict: "DROPPED",
      IP: { source: "10.0.0.1", destination: "10.0.0.2" },
      l4: { UDP: { source_port: 12345, destination_port: 53 } },
      source: { namespace: "shop", pod_name: "cart-1", identity: 1007 },
      Summary: "UDP",
      ...more,
    },
  })}\n`;

describe("record --trigger", () => {
  test("writes the packets around each packet whose flow passes", async () => {
    const path = join(folder, "out.pcapng");
    const { code, out, err } = await record(
      ...["-r", await packets(), "--trigger", "--to-port 54", "--before", "2s", "--after", "3s", "-w", path],
    );
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    expect(await idsIn(path)).toEqual([8, 9, 10, 11, 12, 13, 14]);
    expect(out).toContain("Result: capture 1: 7 packets (434 bytes) written for 2 triggers\n");
    expect(out).toContain(`Output: ${path}\n`);
    expect(out).toContain("Result: 1 capture, 7 of 20 packets written\n");
  });

  test("numbers the files of further captures, and uses a directory", async () => {
    const args = ["-r", await packets(), "--trigger", "--to-port 54", "--before", "0s", "--after", "0s"];
    const path = join(folder, "out.pcap");
    await record(...args, "-w", path);
    expect(await idsIn(path)).toEqual([10]);
    expect(await idsIn(join(folder, "out-2.pcap"))).toEqual([11]);
    await record(...args, "-w", `${folder}/captures/`);
    expect(readdirSync(join(folder, "captures"))).toHaveLength(2);
  });

  test("tests the events of an export file or of standard input, and widens the window by the skew", async () => {
    const path = join(folder, "out.pcap");
    const args = [
      "-r",
      await packets(),
      "--trigger",
      "--verdict DROPPED --from-pod shop/cart",
      "--skew",
      "1s",
    ];
    const times = ["--before", "1s", "--after", "1s", "-w", path, "--overwrite"];
    const events = file("events.jsonl", `${dropLine(3, { verdict: "FORWARDED" })}not JSON\n${dropLine(9)}`);
    const { code, err } = await record(...args, ...times, "--events", events);
    expect(code).toBe(EXIT.ok);
    expect(err).toContain(`${events}: line 2: not JSON`);
    expect(await idsIn(path)).toEqual([7, 8, 9, 10]);
    await runFake(["record", ...args, ...times, "--events", "-"], { stdin: dropLine(15) });
    expect(await idsIn(path)).toEqual([13, 14, 15, 16]);
  });

  test("comments packets with the flows of events, which observe prints again", async () => {
    const path = join(folder, "out.pcapng");
    const events = file("events.jsonl", dropLine(9));
    await record(
      ...[
        "-r",
        await packets(),
        "--trigger",
        "--verdict DROPPED",
        "--events",
        events,
        "--scope",
        "conversation",
      ],
      ...["--before", "3s", "--after", "3s", "-w", path, "--flow-comments", "packet", "--flow-json"],
    );
    const lines = (await outputOf(["observe", path])).trimEnd().split("\n");
    expect(lines.every((line) => line.includes("shop/cart-1:12345 (ID:1007)"))).toBe(true);
    expect(lines.filter((line) => line.includes("DROPPED"))).toHaveLength(1);
    const strict = await outputOf(["observe", "--strict", path]);
    expect(strict).not.toContain("cart");
  });

  test("selects packets before they enter the ring", async () => {
    const path = join(folder, "out.pcap");
    await record("-r", await packets(), "--trigger", "--to-port 54", "--to-port", "54", "-w", path);
    expect(await idsIn(path)).toEqual([10, 11]);
  });

  test("adds the names of addresses that the flows of events have, if asked", async () => {
    const args = [
      ...["-r", await packets(), "--trigger", "--verdict DROPPED", "--before", "2s", "--after", "2s"],
      ...["--events", file("drop.json", dropLine(10))],
    ];
    for (const flags of [[], ["--resolve-names"]]) {
      const path = join(folder, `names-${flags.length}.pcapng`);
      const { code, err } = await record(...args, ...flags, "-w", path);
      expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
      expect(readFileSync(path).includes("shop/cart-1")).toBe(flags.length > 0);
    }
    const { err } = await record("-r", await packets(), "--resolve-names", "-w", join(folder, "x.pcapng"));
    expect(err).toContain("--resolve-names requires flows with names");
  });

  test.each([
    { trigger: "--verdict DROPPED --to-port 54", events: false, warns: true },
    { trigger: "--verdict DROPPED --to-port 54", events: true, warns: false },
    { trigger: "--protocol udp --to-port 9 --tcp-flags RST", events: false, warns: false },
  ])("warns of what packets do not contain: $trigger, events $events", async ({ trigger, events, warns }) => {
    const more = events ? ["--events", file("drop.json", dropLine(1_700_000_010))] : [];
    const { err } = await record(
      "-r",
      await packets(),
      "--trigger",
      trigger,
      ...more,
      "-w",
      `${folder}/x.pcap`,
    );
    expect(err.includes("packets contain no names, labels or verdicts")).toBe(warns);
  });

  test("ends without a file if nothing triggers", async () => {
    const path = join(folder, "out.pcap");
    const { code, out } = await record("-r", await packets(), "--trigger", "--to-port 1", "-w", path);
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("Result: 0 captures, 0 of 20 packets written");
    expect(existsSync(path)).toBe(false);
  });

  test("numbers the file after those that exist, and uses devices as they are", async () => {
    const args = ["-r", await packets(), "--trigger", "--to-port 54", "--before", "0s", "--after", "5s"];
    const path = file("exists.pcap", "");
    const { out } = await record(...args, "-w", path);
    expect(out).toContain(`Output: ${join(folder, "exists-2.pcap")}\n`);
    expect((await record(...args, "-w", "/dev/null")).out).toContain("Output: /dev/null\n");
  });

  test("fails if a capture cannot be written", async () => {
    const path = join(folder, "nosuch/out.pcap");
    const { code, err } = await record("-r", await packets(), "--trigger", "--to-port 54", "-w", path);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("no such file or directory");
  });

  test("merges triggers of recorded events whose windows overlap", async () => {
    const path = join(folder, "out.pcap");
    const events = file("events.jsonl", dropLine(3) + dropLine(5) + dropLine(17));
    const { out } = await record(
      ...["-r", await packets(), "--trigger", "--verdict DROPPED", "--events", events],
      ...["--before", "2s", "--after", "3s", "-w", path],
    );
    expect(out).toContain("written for 2 triggers");
    expect(await idsIn(path)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await idsIn(join(folder, "out-2.pcap"))).toEqual([15, 16, 17, 18, 19]);
  });

  test("uses --file-prefix and --max-capture-len, and reports damaged events with --strict-input", async () => {
    const args = ["-r", await packets(), "--trigger", "--verdict DROPPED", "--strict-input"];
    const events = file("events.jsonl", `not JSON\n${dropLine(9)}`);
    const more = [
      "--events",
      events,
      "--file-prefix",
      "drop",
      "--max-capture-len",
      "20",
      "-w",
      `${folder}/c/`,
    ];
    const { code } = await record(...args, ...more);
    expect(code).toBe(EXIT.incomplete);
    const [name = ""] = readdirSync(join(folder, "c"));
    expect(name).toMatch(/^drop_/);
    const [first] = await packetsIn(readFileSync(join(folder, "c", name)));
    expect(first?.data).toHaveLength(40);
  });

  test.each([
    { args: ["--trigger", "--to-port x"], fault: "invalid destination port filter" },
    { args: ["--trigger", "--nosuch"], fault: "invalid --trigger: unknown flag: --nosuch" },
    { args: ["--trigger", "'"], fault: "invalid --trigger: a quotation mark ' that is not closed" },
    {
      args: ["--trigger", "--last 3"],
      fault: "invalid --trigger: only flags that filter flows apply",
    },
    { args: ["--trigger", "file"], fault: "invalid --trigger: unexpected argument file" },
    { args: ["--before", "1s"], fault: "--before requires --trigger" },
    { args: ["--trigger", "", "--before", "-1s"], fault: "--before must not be below 0" },
    { args: ["--trigger", "", "--packet-limit", "1"], fault: "cannot set both --trigger and --packet-limit" },
    { args: ["--trigger", "", "--ring", "60"], fault: "--ring must be 512K to 4095M" },
    { args: ["--trigger", "", "--server", "localhost"], fault: "cannot set both --read and --server" },
    { args: ["--trigger", "", "--ring", "x"], fault: "invalid size for --ring: x" },
    { args: ["--trigger", "", "--scope", "pod"], fault: "--scope" },
    { args: ["--trigger", "", "--max-per-minute", "0"], fault: "--max-per-minute must be at least 1" },
    { args: ["--trigger", "", "-w", "-"], fault: "a flight recorder writes several captures" },
    { args: ["--ring", "x"], fault: 'invalid argument "x" for "--ring" flag' },
    { args: ["--flow-json"], fault: "--flow-json requires --flow-comments" },
    { args: ["--flow-comments", "packet"], fault: "--flow-comments requires pcapng" },
  ])("rejects $args", async ({ args, fault }) => {
    const { code, err } = await record("-r", await packets(), ...args);
    expect(code).not.toBe(EXIT.ok);
    expect(err).toContain(fault);
  });
});
