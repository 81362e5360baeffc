// jsonLine over the corpus as export lines against JSON.parse alone, and `flowscribe observe -o raw` against jq.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { compileFlowFilters } from "../../dist/filter/index.js";
import { benchmarkFilters, GO_FIGURES, type NamedFilters } from "./inputs/corpus.js";
import { exportLines } from "./inputs/export-lines.js";
import {
  alternate,
  geometricMean,
  inTemporaryFolder,
  programVersion,
  ROUNDS,
  repeat,
  runProgram,
} from "./measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  type BenchmarkTable,
  formatRatio,
  ratioOf,
} from "./report/result.js";

/** How often the file of the processes has the lines of the corpus; FLOWSCRIBE_BENCH_COPIES overrides it. */
const COPIES = Number(process.env.FLOWSCRIBE_BENCH_COPIES ?? 100);

const CLI = join(import.meta.dirname, "../../dist/cli/main.js");

/** The same selection, as flags of observe and for jq. */
const SELECTIONS = {
  "dropped flows": {
    flags: "--verdict DROPPED",
    jq: 'select(.flow.verdict == "DROPPED")',
  },
  "dropped flows from kube-system": {
    flags: "--verdict DROPPED --from-namespace kube-system",
    jq: 'select(.flow.verdict == "DROPPED" and .flow.source.namespace == "kube-system")',
  },
};

export async function run(): Promise<BenchmarkResult> {
  const texts = exportLines();
  const lines = texts.map((text) => new TextEncoder().encode(text));
  const rows = benchmarkFilters().map((filter) => compareWithParsing(filter, texts, lines));
  const ratio = geometricMean(rows.map((row) => ratioOf(row)!));
  const jq = programVersion("jq");
  const processes = jq === undefined ? undefined : await compareWithJq(texts);
  const slowest = processes && Math.max(...processes.rows.map((row) => ratioOf(row)!));
  return {
    tables: [
      {
        title: "Filters on an export line",
        unit: "µs",
        digits: 2,
        columns: ["jsonLine", "JSON.parse"],
        rows: [...rows, { name: "geometric mean", figures: [], ratio }],
      },
      ...(processes === undefined ? [] : [processes]),
    ],
    peers: jq === undefined ? {} : { jq },
    gain:
      `Filters on export lines take ${formatRatio(ratio)} times the time of \`JSON.parse\` alone, as geometric mean` +
      `${slowest === undefined ? "" : `; \`observe -o raw\` takes at most ${formatRatio(slowest)} times that of \`jq -c\``}.`,
  };
}

function compareWithParsing(
  { name, allow = [], deny = [] }: NamedFilters,
  texts: readonly string[],
  lines: readonly Uint8Array[],
): BenchmarkRow {
  const matches = compileFlowFilters({ allow, deny });
  let matched = 0;
  const works = {
    jsonLine: () => {
      const passes = repeat(lines, (line) => matches.jsonLine(line), 0);
      matched = passes.matched;
      return passes.ns / 1000;
    },
    parse: () => repeat(texts, (text) => JSON.parse(text) !== null, 0).ns / 1000,
  };
  // To warm up.
  alternate(1, works);
  const { jsonLine, parse } = alternate(ROUNDS, works);
  const expected = GO_FIGURES[name]?.matched;
  if (matched !== expected) throw new Error(`${name}: ${matched} lines match instead of ${expected}`);
  return { name, figures: [jsonLine, parse] };
}

function compareWithJq(texts: readonly string[]): Promise<BenchmarkTable> {
  return inTemporaryFolder((folder) => {
    const file = join(folder, "flows.jsonl");
    const text = Buffer.from(`${texts.join("\n")}\n`);
    const descriptor = openSync(file, "w");
    for (let copy = 0; copy < COPIES; copy++) writeSync(descriptor, text);
    closeSync(descriptor);
    const rows = Object.entries(SELECTIONS).map(([name, { flags, jq }]) => {
      const kept = new Map<string, string>();
      const timed = (program: string, command: string) => () => {
        const { milliseconds, stdout } = runProgram("sh", ["-c", `${command} | wc -l`]);
        kept.set(program, stdout.trim());
        return milliseconds / 1000;
      };
      const figures = alternate(ROUNDS, {
        flowscribe: timed("flowscribe", `${process.execPath} ${CLI} observe -o raw ${flags} ${file}`),
        jq: timed("jq", `jq -c '${jq}' ${file}`),
      });
      if (new Set(kept.values()).size > 1) throw new Error(`${name}: ${JSON.stringify([...kept])} lines`);
      return { name, figures: [figures.flowscribe, figures.jq] };
    });
    const size = `${(texts.length * COPIES).toLocaleString("en")} lines (${((text.length * COPIES) / 1e9).toFixed(2)} GB)`;
    return {
      title: `Processes on a file of ${size}`,
      unit: "s",
      digits: 2,
      columns: ["observe -o raw", "jq -c"],
      rows,
    };
  });
}
