import type { Figures } from "../measure.js";

/** What a benchmark has measured. `print.ts` makes text of it, `report.ts` tables and charts. */
export interface BenchmarkResult {
  readonly tables: readonly BenchmarkTable[];
  /** Versions of the programs and packages in the columns, by name. */
  readonly peers?: Readonly<Record<string, string>>;
  /** What a user gains, as a sentence with the measured figures. */
  readonly gain: string;
}

export interface BenchmarkTable {
  /** What was measured, in a few words. */
  readonly title: string;
  readonly unit: string;
  /** Digits after the decimal point, 0 by default. */
  readonly digits?: number;
  /** Whether more is better, as for flows per second. */
  readonly moreIsBetter?: boolean;
  /** What the figures of a row are of; the first is compared with the second. */
  readonly columns: readonly string[];
  readonly rows: readonly BenchmarkRow[];
}

export interface BenchmarkRow {
  readonly name: string;
  /** For each column; undefined if it does not apply. */
  readonly figures: readonly (Figures | undefined)[];
  /** The ratio of a row without figures, such as a geometric mean. */
  readonly ratio?: number;
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

/** The first figure of a row divided by the second one, as medians. */
export function ratioOf({ figures: [first, second], ratio }: BenchmarkRow): number | undefined {
  if (ratio !== undefined) return ratio;
  return first === undefined || second === undefined ? undefined : first.median / second.median;
}

/** A row with the goal that its ratio is at most, or with `atLeast` at least, a limit. */
export function withRatioGoal(
  row: BenchmarkRow,
  limit: number,
  kind: "atMost" | "atLeast" = "atMost",
): BenchmarkRow {
  const ratio = ratioOf(row);
  if (ratio === undefined) return row;
  const text = `${kind === "atMost" ? "at most" : "at least"} ${formatRatio(limit)}`;
  return { ...row, goal: { text, isMet: kind === "atMost" ? ratio <= limit : ratio >= limit } };
}
