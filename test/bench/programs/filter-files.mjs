// Prints how many milliseconds `filterFiles` takes for a file, and how many lines match: filter-files.mjs PATH WORKERS
import { filterFiles } from "../../../dist/source/export.js";

const [path, workers] = process.argv.slice(2);
const start = process.hrtime.bigint();
const files = filterFiles([path], { allow: [{ verdict: ["DROPPED"] }] }, { workers: Number(workers) });
for await (const _ of files);
const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
console.log(JSON.stringify({ milliseconds, matched: files.stats.matched }));
