import type { BenchmarkTable } from "./result.js";

const BARS_WIDTH = 440;
const VALUE_WIDTH = 90;
/** About the width of a character of the font. */
const CHARACTER_WIDTH = 6.2;
const BAR_HEIGHT = 14;
const ROW_GAP = 10;
/** Colours that differ in lightness, too, on light and dark pages. */
const COLORS = ["#2f6fdb", "#9aa4b2", "#d9822b", "#5a9e6f"];

/** Draws the medians of a table as an SVG of horizontal bars; a thin line shows the fastest and the slowest run. */
export function chart({
  title,
  unit,
  digits = 0,
  columns,
  rows: allRows,
  moreIsBetter = false,
}: BenchmarkTable): string {
  // A geometric mean has no bar.
  const rows = allRows.filter(({ figures }) => figures.some((one) => one !== undefined));
  const longest = Math.max(...rows.flatMap(({ figures }) => figures.map((one) => one?.max ?? 0)));
  const scale = (value: number) => Math.max(1, (BARS_WIDTH * value) / longest);
  const left = 16 + CHARACTER_WIDTH * Math.max(...rows.map(({ name }) => name.length));
  const width = Math.ceil(left + BARS_WIDTH + VALUE_WIDTH);
  let y = 46;
  const bars = rows.flatMap(({ name, figures }) => {
    const top = y;
    const parts = figures.flatMap((one, column) => {
      if (one === undefined) return [];
      const at = y;
      y += BAR_HEIGHT;
      const [middle, end] = [at + BAR_HEIGHT / 2, left + scale(one.max)];
      return [
        rect(left, at, scale(one.median), BAR_HEIGHT - 2, COLORS[column % COLORS.length]!),
        `<path d="M${round(left + scale(one.min))} ${middle - 1}H${round(end)}" stroke="#555" stroke-width="1"/>`,
        text(end + 6, at + BAR_HEIGHT - 4, `${one.median.toFixed(digits)} ${unit}`),
      ];
    });
    const label = text(left - 8, (top + y) / 2 + 3, name, ' text-anchor="end"');
    y += ROW_GAP;
    return [label, ...parts];
  });
  const legend = columns.flatMap((column, at) => {
    const x = left + at * 150;
    return [rect(x, 26, 10, 10, COLORS[at % COLORS.length]!), text(x + 14, 35, column)];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" font-family="sans-serif" font-size="11" fill="#777">`,
    `<title>${escapeXml(title)}</title>`,
    text(
      0,
      14,
      `${title} (${unit}, ${moreIsBetter ? "more" : "less"} is better)`,
      ' font-size="13" font-weight="bold"',
    ),
    ...legend,
    ...bars,
    "</svg>",
    "",
  ].join("\n");
}

function rect(x: number, y: number, width: number, height: number, color: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" fill="${color}"/>`;
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escapeXml(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
