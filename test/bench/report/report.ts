import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { chart } from "./chart.js";
import { environment } from "./environment.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  type BenchmarkTable,
  formatGoal,
  formatRatio,
  ratioTo,
} from "./result.js";

const DOCS = resolve(import.meta.dirname, "../../../docs");
const PAGE = join(DOCS, "benchmarks.md");
const CHARTS = join(DOCS, "benchmarks");

/**
 * Writes the tables of a benchmark into docs/benchmarks.md, between the comments `<!-- bench:NAME -->` and
 * `<!-- /bench:NAME -->`, and its charts into docs/benchmarks/. All other text of the page is written by people.
 */
export function writeReport(name: string, result: BenchmarkResult): void {
  mkdirSync(CHARTS, { recursive: true });
  writeFileSync(PAGE, replaceSection(readFileSync(PAGE, "utf8"), name, markdown(name, result)));
}

function replaceSection(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${PAGE} has no ${start} … ${end}`);
  return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
}

function markdown(name: string, { tables, peers = {} }: BenchmarkResult): string {
  const parts = tables.map((table, index) => {
    const file = tables.length === 1 ? `${name}.svg` : `${name}-${index + 1}.svg`;
    writeFileSync(join(CHARTS, file), chart(table));
    return `![${table.title}](benchmarks/${file})\n\n${tableText(table)}`;
  });
  return [...parts, `Measured with ${environment(peers)}.`].join("\n\n");
}

function tableText({ title, unit, digits = 0, columns, rows }: BenchmarkTable): string {
  const hasRatio = columns.length > 1;
  const hasGoals = rows.some(({ goal }) => goal !== undefined);
  const header = [title, ...columns, ...(hasRatio ? ["ratio"] : []), ...(hasGoals ? [""] : [])];
  const line = (row: BenchmarkRow) => [
    row.name,
    ...columns.map((_, at) => {
      const figures = row.figures[at];
      if (figures === undefined) return "";
      const [median, min, max] = [figures.median, figures.min, figures.max].map((value) =>
        value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }),
      );
      return `${median} ${unit} (${min}–${max})`;
    }),
    ...(hasRatio ? [formatRatio(ratioTo(row, 1) ?? Number.NaN)] : []),
    ...(hasGoals ? [row.goal === undefined ? "" : formatGoal(row.goal)] : []),
  ];
  const alignment = header.map((_, at) =>
    at === 0 || (hasGoals && at === header.length - 1) ? "---" : "---:",
  );
  return [header, alignment, ...rows.map(line)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
