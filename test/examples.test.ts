import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeCapture } from "../src/pcap/index.js";
import { isLong } from "./support/amount.js";
import { repository, run, runExample, runTogether } from "./support/run.js";
import { describeWithPrograms } from "./support/shared.js";

interface Example {
  readonly file: string;
  readonly prints: readonly string[];
  /** Why the example cannot run with the others. One that compares speeds runs in the long tests only. */
  readonly kind?: "compares speeds" | "ends its process";
}

const EXAMPLES: readonly Example[] = [
  {
    file: "02-filter-packets.ts",
    prints: ["77 of 527 packets are web traffic over IPv6", "(ip6 and "],
  },
  {
    file: "03-convert-a-capture.ts",
    prints: ["interface rt-client", "interface rt-server", "358 packets in pcap, us"],
  },
  {
    file: "04-record-to-a-stream.ts",
    prints: ["recorded 23 ICMP packets until source_end", "received 23 packets"],
  },
  {
    file: "05-a-source-of-your-own.ts",
    prints: ["all of ten or more packets recorded: true, stopped: requested"],
  },
  {
    file: "06-filter-flows.ts",
    prints: [
      "4 cases hold",
      "flow.Flow does not pass: no allow filter matches\n  allow[0] does not match\n    ✗ verdict: wanted DROPPED, seen FORWARDED",
      '    ✓ destination_port: wanted ["80", "443"], seen 80',
    ],
  },
  {
    file: "07-another-regex-engine.ts",
    kind: "compares speeds",
    prints: [
      "re2js: 3334 of 10000 flows match, ",
      "re2-wasm: 3334 of 10000 flows match, ",
      "re2-wasm is full after ",
      "error parsing regexp: abort(Cannot enlarge memory",
    ],
  },
  {
    file: "08-custom-collector.ts",
    prints: [
      "left out: line 3001: not JSON: ",
      "5999 events, 599 exported, 5400 filtered out, 2 rotations",
      ".log.gz\n",
      "  dropped.log\n",
    ],
  },
  {
    file: "09-plug-in-a-cel-engine.ts",
    kind: "compares speeds",
    prints: [
      "_flow.verdict == Verdict.DROPPED: flowscribe true, cel-js true",
      "has(_flow.node_name): flowscribe false, cel-js true",
      "_flow.l4.TCP.destination_port == 80: flowscribe does not compile, cel-js true",
      "flowscribe: 1000 of 2000 flows match, ",
      "cel-js: 1000 of 2000 flows match, ",
    ],
  },
  {
    file: "10-serve-over-connect.ts",
    prints: ["recorded 23 packets (2573 bytes)", "refused: PERMISSION_DENIED: not allowed to record"],
  },
  { file: "11-serve-over-grpc-js.ts", prints: ["recorded 10 packets over IPv6"] },
  { file: "12-observe-a-hubble.ts", prints: ["lost: 3"] },
  { file: "13-test-your-filters.ts", kind: "ends its process", prints: ["pass 5", "fail 0"] },
  {
    file: "14-flight-recorder.ts",
    prints: ["shop/cart-7d9:", "Policy denied DROPPED (TCP Flags: SYN)", "lost: 0", "dropped-cart.pcapng"],
  },
];

const folder = mkdtempSync(join(tmpdir(), "flowscribe-examples-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("examples", () => {
  const together = isLong ? [] : EXAMPLES.filter(({ kind }) => kind === undefined);
  const alone = EXAMPLES.filter(({ kind }) => isLong || kind === "ends its process");

  const printedBy = runTogether(together.map(({ file }) => join(repository, "examples", file)));
  test.each(together)("$file runs with the others and prints the expected output", ({ file, prints }) => {
    const printed = printedBy(join(repository, "examples", file));
    for (const text of prints) expect(printed).toContain(text);
  });

  test.each(alone)("$file runs and prints the expected output", ({ file, prints }) => {
    const printed = runExample(join("examples", file));
    for (const text of prints) expect(printed).toContain(text);
  });

  test("every example is in the table of this test", () => {
    const files = readdirSync(join(repository, "examples")).filter((name) => name.endsWith(".ts"));
    expect(files.sort()).toEqual(["01-record-a-capture.ts", ...EXAMPLES.map(({ file }) => file)]);
  });

  test("the bundled captures stay below 300 kB", () => {
    const captures = join(repository, "examples/captures");
    const sizes = readdirSync(captures).map((name) => readFileSync(join(captures, name)).length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(300_000);
  });
});

describe("the demo", () => {
  const printed = runExample(
    "examples/01-record-a-capture.ts",
    "examples/captures/sample.pcap",
    join(folder, "demo"),
  );
  const [name = ""] = readdirSync(join(folder, "demo"));
  const path = join(folder, "demo", name);

  test("prints the reason, statistics, path, and packets with one line each", () => {
    expect(printed).toContain("Stopped: packets\n");
    expect(printed).toMatch(/Result: 100 packets \(\d+ bytes\) written, 0 lost\n/);
    expect(printed).toContain(`Output: ${path}\n`);
    expect(printed.match(/^ {2}2026-.* > .*bytes.*$/gm)).toHaveLength(10);
  });

  test("names the file as the Recorder does", () => {
    expect(name).toMatch(/^demo_\d{10}_\d+_demo_node-1\.pcap$/);
  });

  test("writes a capture with 100 packets of at most 256 bytes", async () => {
    const source = await decodeCapture(readFileSync(path));
    let packets = 0;
    for await (const batch of source) packets += batch.length;
    expect(packets).toBe(100);
    expect(source.interfaces[0]?.snapLength).toBe(256);
    expect(source.warnings.aboveSnapLength).toBe(0);
  });

  describeWithPrograms("writes a file that is readable by", ["tcpdump", "tshark", "capinfos"], () => {
    test("tcpdump", () => {
      expect(run("tcpdump", ["-n", "-r", path]).trim().split("\n")).toHaveLength(100);
    });

    test("tshark", () => {
      expect(
        run("tshark", ["-n", "-r", path, "-T", "fields", "-e", "frame.number"]).trim().split("\n"),
      ).toHaveLength(100);
    });

    test("capinfos", () => {
      expect(run("capinfos", ["-M", "-c", "-t", "-l", path])).toMatch(/Number of packets: +100\n/);
    });
  });
});
