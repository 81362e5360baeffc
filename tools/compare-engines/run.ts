// What libraries from npm answer and cost where Go's answers are wanted, beside what this package does instead.
import { parseArgs } from "node:util";
import { cel } from "./cel.js";
import { compare, ENDURANCE, type Miss, type Result } from "./compare.js";
import type { Contest } from "./engine.js";
import { names } from "./names.js";
import { prefixes } from "./prefixes.js";
import { regexes } from "./regexes.js";

const { values: options } = parseArgs({ options: { verbose: { type: "boolean", default: false } } });

for (const contest of [prefixes, names, regexes, cel]) {
  const results = compare(contest);
  console.log(formatTable(contest, results));
  if (options.verbose) for (const result of results) console.log(formatMisses(result));
}

function formatTable({ title, cases, patternOf }: Contest, results: readonly Result[]): string {
  const bears = patternOf === undefined ? [] : [`patterns of ${ENDURANCE}`];
  const rows = [
    ["engine", `right of ${cases.length}`, "ns per case", ...bears],
    ...results.map(({ engine, misses, nanoseconds, patterns }) => [
      engine,
      String(cases.length - misses.length),
      nanoseconds === undefined ? "–" : nanoseconds.median.toFixed(0),
      ...(patterns === undefined ? [] : [patterns < ENDURANCE ? `dead after ${patterns}` : String(patterns)]),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("   "),
  );
  return [`\n${title}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

function formatMisses({ engine, misses }: Result): string {
  return [`\n  ${engine}: ${misses.length} misses`, ...misses.map(formatMiss)].join("\n");
}

function formatMiss({ pattern, text, go, answer }: Miss): string {
  return `    ${JSON.stringify(pattern)} on ${JSON.stringify(text)}: ${answer}, Go ${go}`;
}
