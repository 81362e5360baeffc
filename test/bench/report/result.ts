import type { Figures } from "../measure.js";

/** What a benchmark has measured. `print.ts` makes text of it, `report.ts` a table and a chart. */
export interface BenchmarkResult {
  readonly tables: readonly BenchmarkTable[];
  /** Versions of the programs and packages in the columns, by name. */
  readonly peers?: Readonly<Record<string, string>>;
}

export interface BenchmarkTable {
  /** What was measured, in a few words. */
  readonly title: string;
  readonly unit: string;
  /** Digits after the decimal point, 0 by default. */
  readonly digits?: number;
  /** Whether more is better, as for flows per second. */
  readonly moreIsBetter?: boolean;
  /** What the figures of a row are of; the first is compared with the others. */
  readonly columns: readonly string[];
  readonly rows: readonly BenchmarkRow[];
}

export interface BenchmarkRow {
  readonly name: string;
  /** For each column; undefined if it does not apply. */
  readonly figures: readonly (Figures | undefined)[];
  readonly goal?: Goal;
}

export interface Goal {
  /** Such as `at most 2 times`. */
  readonly text: string;
  readonly isMet: boolean;
}

export function formatGoal({ text, isMet }: Goal): string {
  return `goal: ${text}${isMet ? "" : ", not met"}`;
}

export function formatRatio(ratio: number): string {
  return ratio < 0.1 ? ratio.toPrecision(2) : ratio.toFixed(2);
}

/** The first figure of a row divided by another one, as medians. */
export function ratioTo(row: BenchmarkRow, column: number): number | undefined {
  const [first] = row.figures;
  const other = row.figures[column];
  return first === undefined || other === undefined ? undefined : first.median / other.median;
}
