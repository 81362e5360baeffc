import type { Figures } from "../measure.js";

/** Formats a median with the fastest and the slowest run; a figure without a spread alone. */
export function formatFigures({ median, min, max }: Figures, unit: string, digits = 0): string {
  const format = (value: number) =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const spread = min === max ? "" : ` (${format(min)}–${format(max)})`;
  return `${format(median)} ${unit}${spread}`;
}
