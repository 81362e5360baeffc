// npm run bench [NAME…]: prints every benchmark, or those named.
// npm run bench:report [NAME…]: also writes the results into docs/benchmarks.md.
import { cpus } from "node:os";
import { printResult } from "./report/print.js";
import { writeReport } from "./report/report.js";
import type { BenchmarkResult } from "./report/result.js";

/** A benchmark returns its result, or prints it itself. */
interface Benchmark {
  run(): BenchmarkResult | void | Promise<BenchmarkResult> | Promise<void>;
}

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  "start-up": () => import("./start-up.bench.js"),
  "packet-filter": () => import("./packet-filter.bench.js"),
  "flow-filters": () => import("./flow-filters.bench.js"),
  "encoded-flows": () => import("./encoded-flows.bench.js"),
  "filter-lists": () => import("./filter-lists.bench.js"),
  cel: () => import("./cel.bench.js"),
  "record-file": () => import("./record-file.bench.js"),
  "many-interfaces": () => import("./many-interfaces.bench.js"),
  "packets-to-flows": () => import("./packets-to-flows.bench.js"),
  observe: () => import("./observe.bench.js"),
  "export-lines": () => import("./export-lines.bench.js"),
  "json-lines": () => import("./json-lines.bench.js"),
};

const names = process.argv.slice(2).filter((name) => name !== "--report");
const isReport = names.length < process.argv.length - 2;
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(", ")} (there are ${Object.keys(BENCHMARKS).join(", ")})`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`);
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (names.length === 0 || names.includes(name)) {
    console.log(`\n# ${name}`);
    const result = await (await load()).run();
    if (result === undefined) continue;
    console.log(printResult(result));
    if (isReport) writeReport(name, result);
  }
}
