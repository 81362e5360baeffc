// Export lines filtered by one thread and by two, as a library and as a program, over a file in the page cache.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/run.js";
import { alternate, inTemporaryFolder, ROUNDS, runProgram } from "./measure.js";
import { type BenchmarkTable, withRatioGoal } from "./report/result.js";

/** How often the flows of the corpus are in the file: a million lines. */
const REPEATS = 100;

/** Goal: this many times the lines of one thread, on two cores. */
const WANTED = 1.7;

const LIBRARY = join(import.meta.dirname, "programs/filter-files.mjs");
const PROGRAM = join(repository, "dist/cli/main.js");

/**
 * Measures with one thread and two. With one, `filterFiles` has a worker beside the calling thread; `observe` filters in
 * the thread that also writes, without a worker.
 *
 * @throws Error if the threads do not find the same lines.
 */
export async function filterFilesTable(lines: readonly string[]): Promise<BenchmarkTable> {
  return inTemporaryFolder((folder) => {
    const path = join(folder, "flows.jsonl");
    repeatTo(path, Buffer.from(`${lines.join("\n")}\n`));
    const count = REPEATS * lines.length;
    const matched = new Set<number>();
    const library = (workers: string) => () => {
      const result = JSON.parse(runProgram(process.execPath, [LIBRARY, path, workers]).stdout);
      matched.add(result.matched);
      return count / result.milliseconds;
    };
    const program = (jobs: string) => () => {
      const args = ["observe", "--jobs", jobs, "-o", "raw", "--verdict", "DROPPED", path];
      const command = '"$@" > "$0"';
      const out = join(folder, "out.jsonl");
      return count / runProgram("sh", ["-c", command, out, process.execPath, PROGRAM, ...args]).milliseconds;
    };
    const figures = alternate(ROUNDS, {
      libraryOne: library("1"),
      libraryTwo: library("2"),
      programOne: program("1"),
      programTwo: program("2"),
    });
    if (matched.size > 1) throw new Error(`different numbers of lines: ${[...matched].join(", ")}`);
    const row = (name: string, two: keyof typeof figures, one: keyof typeof figures) =>
      withRatioGoal({ name, figures: [figures[two], figures[one]] }, WANTED, "atLeast");
    return {
      title: `Filtering ${count.toLocaleString("en")} lines, of which ${[...matched][0]?.toLocaleString("en")} match`,
      unit: "lines/ms",
      moreIsBetter: true,
      columns: ["2 threads", "1 thread"],
      rows: [
        row("filterFiles", "libraryTwo", "libraryOne"),
        row("flowscribe observe --jobs -o raw (process)", "programTwo", "programOne"),
      ],
    };
  });
}

function repeatTo(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, "w");
  try {
    for (let repeat = 0; repeat < REPEATS; repeat++) writeSync(descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
}
