import { formatFigures } from "./figures.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  type BenchmarkTable,
  formatGoal,
  formatRatio,
  ratioOf,
} from "./result.js";

/** Formats a result for a terminal: a line for each row, medians with the fastest and the slowest run. */
export function printResult({ tables, gain }: BenchmarkResult): string {
  return [...tables.map(tableText), `\n${gain}`].join("\n");
}

function tableText(table: BenchmarkTable): string {
  return [`\n${table.title}`, ...table.rows.map((row) => line(table, row))].join("\n");
}

function line({ columns, unit, digits }: BenchmarkTable, row: BenchmarkRow): string {
  const figures = row.figures.flatMap((figures, at) =>
    figures === undefined ? [] : [`${columns[at]} ${formatFigures(figures, unit, digits)}`],
  );
  const ratio = ratioOf(row);
  const parts = [
    ...figures,
    ...(ratio === undefined ? [] : [`ratio ${formatRatio(ratio)}`]),
    ...(row.goal === undefined ? [] : [formatGoal(row.goal)]),
  ];
  return `  ${row.name}: ${parts.join(", ")}`;
}
