// Reading, filtering and writing a capture: whole process against whole process, beside tcpdump.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PacketFilterInit } from "../../dist/packet/index.js";
import { writeSyntheticCapture } from "./inputs/synthetic-capture.js";
import { alternate, inTemporaryFolder, programVersion, ROUNDS, runProgram } from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  formatRatio,
  ratioOf,
  withRatioGoal,
} from "./report/result.js";

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

export async function run(): Promise<BenchmarkResult> {
  const rows = await inTemporaryFolder((folder) =>
    [
      { packets: 2_000_000, bytes: 128, limit: 1.0 },
      { packets: 300_000, bytes: 1500, limit: 1.2 },
      { packets: 8_000_000, bytes: 128, limit: 1.0 },
    ].flatMap(({ packets, bytes, limit }) => {
      const capture = join(folder, `${packets}x${bytes}.pcap`);
      writeSyntheticCapture(capture, packets, bytes);
      const compared = Object.entries(FILTERS).map(([name, filters]) => {
        const row = compare(folder, capture, name, filters, limit);
        return { ...row, name: `${packets.toLocaleString("en")} × ${bytes} bytes, ${name}${row.name}` };
      });
      rmSync(capture);
      return compared;
    }),
  );
  const ratios = rows.map((row) => ratioOf(row)!);
  const title = "Reading, filtering and writing a capture";
  return {
    tables: [{ title, unit: "ms", columns: ["flowscribe", "tcpdump"], rows }],
    peers: { tcpdump: programVersion("tcpdump") ?? "unknown" },
    gain:
      `Filtering a large capture takes ${formatRatio(Math.min(...ratios))} to ${formatRatio(Math.max(...ratios))} ` +
      `times tcpdump's time.`,
  };
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
  const row = { name: ` (peak ${(peakKilobytes / 1024).toFixed(0)} MiB)`, figures: [flowscribe, tcpdump] };
  return withRatioGoal(row, limit);
}
