import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chart } from "./chart.js";
import { formatEnvironment } from "./environment.js";
import { formatFigures } from "./figures.js";
import { type BenchmarkRow, type BenchmarkTable, formatGoal, formatRatio, ratioOf } from "./result.js";
import { readResult, type StoredResult, storeResult } from "./stored-result.js";

/** The page and the folder with charts and stored results. */
export class Report {
  readonly #page: string;
  readonly #folder: string;
  readonly #names: readonly string[];

  /**
   * @param docs The folder with `benchmarks.md`.
   * @param names All benchmarks, in the order of the summary.
   */
  constructor(docs: string, names: readonly string[]) {
    this.#page = join(docs, "benchmarks.md");
    this.#folder = join(docs, "benchmarks");
    this.#names = names;
  }

  /** Stores a result in place of an earlier one. */
  store(name: string, result: StoredResult): void {
    mkdirSync(this.#folder, { recursive: true });
    storeResult(this.#folder, name, result);
  }

  /**
   * Writes the tables and charts of the stored results, and the summary, into the page: between `<!-- bench:NAME -->` and
   * `<!-- /bench:NAME -->`. All other text is written by people. Sections without a stored result stay as they are, and so
   * does the summary as long as one is missing.
   *
   * @returns The benchmarks without a stored result.
   */
  write(): string[] {
    const stored = this.#names.map((name) => ({ name, result: readResult(this.#folder, name) }));
    const missing = stored.filter(({ result }) => result === undefined).map(({ name }) => name);
    let page = readFileSync(this.#page, "utf8");
    for (const { name, result } of stored) {
      if (result !== undefined) page = this.#replace(page, name, this.#section(name, result));
    }
    if (missing.length === 0) {
      page = this.#replace(page, "summary", summary(stored.map(({ name, result }) => [name, result!])));
    }
    writeFileSync(this.#page, page);
    return missing;
  }

  #section(name: string, { tables, peers, measured }: StoredResult): string {
    const parts = tables.map((table, index) => {
      const file = tables.length === 1 ? `${name}.svg` : `${name}-${index + 1}.svg`;
      writeFileSync(join(this.#folder, file), chart(table));
      return `![${table.title}](benchmarks/${file})\n\n${tableText(table)}`;
    });
    return [...parts, wrap(`Measured with ${formatEnvironment(measured, peers)}.`)].join("\n\n");
  }

  #replace(page: string, name: string, text: string): string {
    const [start, end] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
    const from = page.indexOf(start);
    const to = page.indexOf(end);
    if (from < 0 || to < from) throw new Error(`${this.#page} has no ${start} … ${end}`);
    return `${page.slice(0, from + start.length)}\n\n${text}\n\n${page.slice(to)}`;
  }
}

/** What a user gains, then the rows whose goals are not met. */
function summary(results: readonly (readonly [string, StoredResult])[]): string {
  const gains = results.map(([name, { gain }]) => wrap(`- ${gain} [${name}](#${name})`));
  const missed = results.flatMap(([name, { tables }]) =>
    tables.flatMap((table) =>
      table.rows
        .filter(({ goal }) => goal !== undefined && !goal.isMet)
        .map((row) =>
          wrap(`- ${table.title}, ${row.name}: ${measuredText(table, row)}. [${name}](#${name})`),
        ),
    ),
  );
  return [
    "What you gain, measured beside the usual tools in the same run:",
    gains.join("\n"),
    "Where it falls short of its goals:",
    missed.length === 0 ? "All goals are met." : missed.join("\n"),
  ].join("\n\n");
}

function measuredText({ columns: [column = ""], unit, digits }: BenchmarkTable, row: BenchmarkRow): string {
  const [first] = row.figures;
  const ratio = ratioOf(row);
  return [
    ...(first === undefined ? [] : [`${column} ${formatFigures(first, unit, digits)}`]),
    ...(ratio === undefined ? [] : [`ratio ${formatRatio(ratio)}`]),
    ...(row.goal === undefined ? [] : [`goal: ${row.goal.text}`]),
  ].join(", ");
}

function tableText({ title, unit, digits, columns, rows }: BenchmarkTable): string {
  const hasRatio = columns.length > 1;
  const hasGoals = rows.some(({ goal }) => goal !== undefined);
  const header = [title, ...columns, ...(hasRatio ? ["ratio"] : []), ...(hasGoals ? [""] : [])];
  const cellsOf = (row: BenchmarkRow) => {
    const ratio = ratioOf(row);
    return [
      row.name,
      ...columns.map((_, at) => {
        const figures = row.figures[at];
        return figures === undefined ? "" : formatFigures(figures, unit, digits);
      }),
      ...(hasRatio ? [ratio === undefined ? "" : formatRatio(ratio)] : []),
      ...(hasGoals ? [row.goal === undefined ? "" : formatGoal(row.goal)] : []),
    ];
  };
  const alignment = header.map((_, at) =>
    at === 0 || (hasGoals && at === header.length - 1) ? "---" : "---:",
  );
  return [header, alignment, ...rows.map(cellsOf)].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const LINE_LENGTH = 130;

/** Breaks a paragraph into lines; those after the first of a list item are indented. */
function wrap(text: string): string {
  const indent = text.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line.trim() !== "" && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
