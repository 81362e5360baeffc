// jsonLine over the corpus as export lines against JSON.parse alone, and `flowscribe observe -o raw` against jq.
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { compileFlowFilters } from "../../dist/filter/index.js";
import { encodeExportLine } from "../../dist/observer/index.js";
import { decodeFlow, GetFlowsResponseSchema } from "../../dist/proto.js";
import { benchmarkFilters, encodedFlows, GO_FIGURES } from "./corpus.js";
import { alternate, formatFigures, runProgram } from "./measure.js";

const ROUNDS = 5;
/** How often the file of the processes has the lines of the corpus; FLOWSCRIBE_BENCH_COPIES overrides it. */
const COPIES = Number(process.env.FLOWSCRIBE_BENCH_COPIES ?? 100);
/** jq takes about a minute for a million lines. */
const PROCESS_ROUNDS = 3;

export async function run(): Promise<void> {
  compareWithParsing();
  compareProcesses();
}

/** The flows of the corpus as Hubble exports them. */
function exportLines(): string[] {
  return encodedFlows().map((bytes) => {
    const flow = decodeFlow(bytes);
    const { time } = flow;
    const responseTypes = { case: "flow", value: flow } as const;
    return encodeExportLine(
      create(GetFlowsResponseSchema, { responseTypes, nodeName: flow.nodeName, ...(time && { time }) }),
    );
  });
}

function compareWithParsing(): void {
  const texts = exportLines();
  const lines = texts.map((text) => new TextEncoder().encode(text));
  const count = lines.length;
  const bytes = lines.reduce((sum, { length }) => sum + length, 0);
  console.log(
    `${count} lines of ${(bytes / count).toFixed(0)} bytes; µs a line, median of ${ROUNDS} (min–max)`,
  );
  const logs: number[] = [];
  for (const { name, allow = [], deny = [] } of benchmarkFilters()) {
    const matches = compileFlowFilters({ allow, deny });
    let matched = 0;
    const works = {
      jsonLine: () => {
        const start = process.hrtime.bigint();
        matched = 0;
        for (let index = 0; index < count; index++) if (matches.jsonLine(lines[index]!)) matched++;
        return Number(process.hrtime.bigint() - start) / 1000 / count;
      },
      parse: () => {
        const start = process.hrtime.bigint();
        let objects = 0;
        for (let index = 0; index < count; index++) if (JSON.parse(texts[index]!) !== null) objects++;
        if (objects < count) throw new Error("a line is null");
        return Number(process.hrtime.bigint() - start) / 1000 / count;
      },
    };
    // To warm up.
    alternate(1, works);
    const { jsonLine, parse } = alternate(ROUNDS, works);
    if (matched !== GO_FIGURES[name]?.matched) throw new Error(`${name}: ${matched} lines match`);
    const ratio = jsonLine.median / parse.median;
    logs.push(Math.log(ratio));
    console.log(
      `  ${name.padEnd(34)} ${formatFigures(jsonLine, "µs", 2)}, JSON.parse ${formatFigures(parse, "µs", 2)}, ${ratio.toFixed(2)}`,
    );
  }
  const mean = Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  console.log(`  geometric mean of the ratios: ${mean.toFixed(3)}`);
}

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

function compareProcesses(): void {
  if (spawnSync("jq", ["--version"]).status !== 0) {
    console.log("  jq is not installed");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-bench-"));
  const file = join(folder, "flows.jsonl");
  try {
    const text = Buffer.from(`${exportLines().join("\n")}\n`);
    const fd = openSync(file, "w");
    for (let copy = 0; copy < COPIES; copy++) writeSync(fd, text);
    closeSync(fd);
    console.log(
      `\n${COPIES * 10_000} lines, ${((text.length * COPIES) / 1e9).toFixed(2)} GB: processes, seconds, median of ${PROCESS_ROUNDS}`,
    );
    for (const [name, { flags, jq }] of Object.entries(SELECTIONS)) {
      let lines: Record<string, string> = {};
      const timed = (program: string, command: string) => () => {
        const { milliseconds, stdout } = runProgram("sh", ["-c", `${command} | wc -l`]);
        lines = { ...lines, [program]: stdout.trim() };
        return milliseconds / 1000;
      };
      const figures = alternate(PROCESS_ROUNDS, {
        flowscribe: timed("flowscribe", `${process.execPath} ${CLI} observe -o raw ${flags} ${file}`),
        jq: timed("jq", `jq -c '${jq}' ${file}`),
      });
      if (lines.flowscribe !== lines.jq) throw new Error(`lines: ${JSON.stringify(lines)}`);
      const ratio = figures.flowscribe.median / figures.jq.median;
      console.log(
        `  ${name.padEnd(34)} ${formatFigures(figures.flowscribe, "s", 2)}, jq ${formatFigures(figures.jq, "s", 2)}, ` +
          `${ratio.toFixed(3)}, ${lines.jq} lines`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
