// npm run bench [NAME…]: prints every benchmark, or those named.
import { cpus } from "node:os";

const BENCHMARKS: Readonly<Record<string, () => Promise<{ run: () => void | Promise<void> }>>> = {
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

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in BENCHMARKS));
if (unknown.length > 0) {
  console.error(`no such benchmark: ${unknown.join(", ")} (there are ${Object.keys(BENCHMARKS).join(", ")})`);
  process.exit(2);
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}`);
for (const [name, load] of Object.entries(BENCHMARKS)) {
  if (names.length === 0 || names.includes(name)) {
    console.log(`\n# ${name}`);
    await (await load()).run();
  }
}
