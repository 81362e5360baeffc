// Reading, filtering and writing a capture: whole process against whole process, beside tcpdump.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatPacketFilter, type PacketFilterInit } from "../../src/packet/index.js";
import { alternate, formatFigures, runProgram } from "./measure.js";
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

export function run(): void {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  try {
    for (const { packets, bytes, limit } of [
      { packets: 2_000_000, bytes: 128, limit: 1.0 },
      { packets: 300_000, bytes: 1500, limit: 1.2 },
      { packets: 8_000_000, bytes: 128, limit: 1.0 },
    ]) {
      const capture = join(folder, `${packets}x${bytes}.pcap`);
      writeSyntheticCapture(capture, packets, bytes);
      console.log(
        `\n${packets} packets of ${bytes} bytes (${Math.round(statSync(capture).size / 2 ** 20)} MiB)`,
      );
      for (const [name, filters] of Object.entries(FILTERS)) compare(folder, capture, name, filters, limit);
      rmSync(capture);
    }
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
): void {
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
  const ratio = flowscribe.median / tcpdump.median;
  console.log(
    `  ${name}: flowscribe ${formatFigures(flowscribe, "ms")}, tcpdump ${formatFigures(tcpdump, "ms")}, ` +
      `ratio ${ratio.toFixed(2)} (wanted ≤ ${limit.toFixed(1)}), peak ${(peakKilobytes / 1024).toFixed(0)} MiB`,
  );
  const ourFile = runProgram("sh", ["-c", `cmp ${ours}/*.pcap ${theirs} && echo same`]).stdout.trim();
  console.log(
    `    the two files are the ${ourFile}; as text form: ${formatPacketFilter(filters).length} characters`,
  );
}
