import { formatFigures } from "../measure.js";
import {
  type BenchmarkResult,
  type BenchmarkRow,
  type BenchmarkTable,
  formatGoal,
  formatRatio,
  ratioTo,
} from "./result.js";

/** Formats a result for a terminal: a line for each row, medians with the fastest and the slowest run. */
export function printResult({ tables }: BenchmarkResult): string {
  return tables
    .map((table) => [`\n${table.title}`, ...table.rows.map((row) => line(table, row))].join("\n"))
    .join("\n");
}

function line({ columns, unit, digits }: BenchmarkTable, row: BenchmarkRow): string {
  const figures = row.figures.flatMap((figures, at) =>
    figures === undefined ? [] : [`${columns[at]} ${formatFigures(figures, unit, digits)}`],
  );
  const ratio = ratioTo(row, 1);
  return [
    `  ${row.name}: ${figures.join(", ")}`,
    ...(ratio === undefined ? [] : [`ratio ${formatRatio(ratio)}`]),
    ...(row.goal === undefined ? [] : [formatGoal(row.goal)]),
  ].join(", ");
}
