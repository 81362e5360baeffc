// Reading, filtering and writing a capture: whole process against whole process, beside tcpdump.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PacketFilterInit } from "../../dist/packet/index.js";
import { alternate, runProgram } from "./measure.js";
import type { BenchmarkResult, BenchmarkRow } from "./report/result.js";
import { writeSyntheticCapture } from "./synthetic-capture.js";

const ROUNDS = 5;
const PROGRAM = join(import.meta.dirname, "programs/record-file.mjs");

const FILTERS: Readonly<Record<string, PacketFilterInit[]>> = {
  "5-tuple filter (15 % kept)": [
    { sourceCidr: "10.0.0.0/16", destinationCidr: "10.1.0.0/16", destinationPort: 443, protocol: 6 },
  ],
  "everything kept": [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" }],
};

// The plain expression that a person would write: what the library writes for the kernel checks more.
const EXPRESSIONS: Readonly<Record<string, string>> = {
  "5-tuple filter (15 % kept)": "ip src net 10.0.0.0/16 and ip dst net 10.1.0.0/16 and tcp dst port 443",
  "everything kept": "ip",
};

export function run(): BenchmarkResult {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  try {
    const rows = [
      { packets: 2_000_000, bytes: 128, limit: 1.0 },
      { packets: 300_000, bytes: 1500, limit: 1.2 },
      { packets: 8_000_000, bytes: 128, limit: 1.0 },
    ].flatMap(({ packets, bytes, limit }) => {
      const capture = join(folder, `${packets}x${bytes}.pcap`);
      writeSyntheticCapture(capture, packets, bytes);
      const compared = Object.entries(FILTERS).map(([name, filters]) => {
        const row = compare(folder, capture, name, filters, limit);
        return {
          ...row,
          name: `${packets.toLocaleString("en")} × ${bytes} bytes, ${name}${row.name}`,
        };
      });
      rmSync(capture);
      return compared;
    });
    const title = "Reading, filtering and writing a capture";
    const [version = ""] = /\d+\.\d+\.\d+/.exec(runProgram("tcpdump", ["--version"]).stdout) ?? [];
    return {
      tables: [{ title, unit: "ms", columns: ["flowscribe", "tcpdump"], rows }],
      peers: { tcpdump: version },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare(
  folder: string,
  capture: string,
  name: string,
  filters: readonly PacketFilterInit[],
  limit: number,
): BenchmarkRow {
  const ours = join(folder, "ours");
  const theirs = join(folder, "theirs.pcap");
  let peakKilobytes = 0;
  readFileSync(capture); // warms the page cache
  const { flowscribe, tcpdump } = alternate(ROUNDS, {
    flowscribe: () => {
      rmSync(ours, { recursive: true, force: true });
      const { milliseconds, stdout } = runProgram(process.execPath, [
        PROGRAM,
        capture,
        ours,
        JSON.stringify(filters),
      ]);
      peakKilobytes = Math.max(peakKilobytes, JSON.parse(stdout).peakKilobytes);
      return milliseconds;
    },
    tcpdump: () => {
      rmSync(theirs, { force: true });
      return runProgram("tcpdump", ["-r", capture, "-w", theirs, EXPRESSIONS[name]!]).milliseconds;
    },
  });
  runProgram("sh", ["-c", `cmp ${ours}/*.pcap ${theirs}`]); // fails if the two files differ
  return {
    name: ` (peak ${(peakKilobytes / 1024).toFixed(0)} MiB)`,
    figures: [flowscribe, tcpdump],
    goal: { text: `at most ${limit.toFixed(1)} times`, isMet: flowscribe.median <= limit * tcpdump.median },
  };
}
