// npm run bench -- [NAME…]: prints every benchmark, or those named.
// npm run bench:report -- [NAME…]: also stores the results in docs/benchmarks/ and writes docs/benchmarks.md.
// npm run bench:report -- --stored: writes the page from the stored results, without measuring.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { repository } from "../support/run.js";
import { currentEnvironment, formatEnvironment } from "./report/environment.js";
import { printResult } from "./report/print.js";
import { Report } from "./report/report.js";
import type { BenchmarkResult } from "./report/result.js";

interface Benchmark {
  run(): BenchmarkResult | Promise<BenchmarkResult>;
}

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  "start-up": () => import("./start-up.bench.js"),
  "record-file": () => import("./record-file.bench.js"),
  "many-interfaces": () => import("./many-interfaces.bench.js"),
  "packet-filter": () => import("./packet-filter.bench.js"),
  "packets-to-flows": () => import("./packets-to-flows.bench.js"),
  "flow-filters": () => import("./flow-filters.bench.js"),
  "filter-lists": () => import("./filter-lists.bench.js"),
  metrics: () => import("./metrics.bench.js"),
  "encoded-flows": () => import("./encoded-flows.bench.js"),
  aggregate: () => import("./aggregate.bench.js"),
  cel: () => import("./cel.bench.js"),
  "export-lines": () => import("./export-lines.bench.js"),
  "json-lines": () => import("./json-lines.bench.js"),
  observe: () => import("./observe.bench.js"),
};

const FLAGS = ["--report", "--stored"];

const args = process.argv.slice(2);
const flags = args.filter((arg) => FLAGS.includes(arg));
const named = args.filter((arg) => !FLAGS.includes(arg));
const unknown = named.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(", ")} (there are ${Object.keys(BENCHMARKS).join(", ")})`);
  process.exit(2);
}
const names = Object.keys(BENCHMARKS).filter((name) => named.length === 0 || named.includes(name));
const report = flags.includes("--report")
  ? new Report(join(repository, "docs"), Object.keys(BENCHMARKS))
  : undefined;

if (flags.includes("--stored")) writePage();
else if (names.length > 1) runEach();
else await runOne(names[0]!);

/** Each benchmark has a process of its own, so that none meets the garbage and the compiled code of another one. */
function runEach(): void {
  const failed = names.filter((name) => {
    const { status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, name, ...flags], {
      stdio: "inherit",
    });
    return status !== 0;
  });
  if (failed.length === 0) return;
  console.error(`\nfailed: ${failed.join(", ")}`);
  process.exitCode = 1;
}

async function runOne(name: string): Promise<void> {
  const measured = currentEnvironment();
  console.log(`\n# ${name}: ${formatEnvironment(measured)}`);
  const result = await (await BENCHMARKS[name]!()).run();
  console.log(printResult(result));
  if (report === undefined) return;
  report.store(name, { ...result, measured });
  writePage();
}

function writePage(): void {
  const missing = report?.write() ?? [];
  if (missing.length > 0) console.log(`\nthe summary is unchanged; no results of ${missing.join(", ")}`);
}
