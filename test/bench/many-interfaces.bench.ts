// Captures of 65,536 pcapng interfaces recorded, merged and converted: whole process against whole process, beside mergecap.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAX_INTERFACES } from "../../dist/pcap/index.js";
import { captureOfSections } from "../pcap/many-interfaces.js";
import { alternate, inTemporaryFolder, programVersion, ROUNDS, runProgram } from "./measure.js";
import type { BenchmarkResult, BenchmarkRow } from "./report/result.js";

const LIMIT_MS = 1000;
const CLI = join(import.meta.dirname, "../../dist/cli/main.js");

export async function run(): Promise<BenchmarkResult> {
  const rows = await inTemporaryFolder((folder) => {
    const whole = join(folder, "whole.pcapng");
    const half = join(folder, "half.pcapng");
    writeFileSync(whole, captureOfSections(MAX_INTERFACES));
    // Interfaces that are alike do not become one within a file: two files of half as many are merged.
    writeFileSync(half, captureOfSections(MAX_INTERFACES / 2));
    return [
      compare(folder, "recorded", [whole], "out.pcapng"),
      compare(folder, "converted to pcap", [whole], "out.pcap"),
      compare(folder, "merged from two files", [half, half], "out.pcapng"),
    ];
  });
  const slowest = Math.max(...rows.map(({ figures }) => figures[0]!.median));
  const title = "A capture of 65,536 sections";
  return {
    tables: [{ title, unit: "ms", columns: ["flowscribe", "mergecap"], rows }],
    peers: { mergecap: programVersion("mergecap") ?? "unknown" },
    gain: `Captures of 65,536 interfaces are recorded, converted and merged, in at most ${(slowest / 1000).toFixed(1)} s.`,
  };
}

function compare(folder: string, name: string, inputs: readonly string[], output: string): BenchmarkRow {
  const ours = join(folder, output);
  const theirs = join(folder, `mergecap-${output}`);
  const format = output.endsWith(".pcap") ? ["-F", "pcap"] : [];
  const { flowscribe, mergecap } = alternate(ROUNDS, {
    flowscribe: () => {
      const read = inputs.flatMap((input) => ["-r", input]);
      return runProgram(process.execPath, [CLI, "record", ...read, "-w", ours, "--overwrite"]).milliseconds;
    },
    mergecap: () => runProgram("mergecap", [...format, "-w", theirs, ...inputs]).milliseconds,
  });
  const goal = { text: `less than ${LIMIT_MS} ms`, isMet: flowscribe.median < LIMIT_MS };
  return { name, figures: [flowscribe, mergecap], goal };
}
