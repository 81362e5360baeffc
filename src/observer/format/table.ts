/** The maximum size of a buffered table, in formatted characters and in lines. Hubble's `--last` allows a million. */
export const TABLE_LIMITS = { characters: 2 ** 28, lines: 2 ** 20 } as const;

const PADDING = 3;

/** A buffer of lines whose columns are aligned when it is flushed. */
export interface Table {
  /**
   * Adds a line. If the table reaches a limit, returns the buffered lines and starts over with new columns; otherwise
   * returns "".
   */
  add(cells: readonly string[]): string;
  /** Returns the buffered lines, each with a line feed, and starts over. */
  flush(): string;
}

/**
 * Aligns columns like Go's `text/tabwriter` with a minimum width of 2, a padding of 3 and spaces. A column is a run of
 * consecutive lines that have a cell after it, and is as wide as its widest cell. Widths are in code points.
 */
export function createTable(limits: { characters: number; lines: number } = TABLE_LIMITS): Table {
  let lines: Line[] = [];
  let open: Column[] = [];
  // An upper bound of the formatted size: the maximum width of each column for every line, plus each line's last cell.
  let widest: number[] = [];
  let widestSum = 0;
  let tails = 0;

  function flush(): string {
    const text = lines.map(layOut).join("");
    lines = [];
    open = [];
    widest = [];
    widestSum = 0;
    tails = 0;
    return text;
  }

  function grow(index: number, width: number): void {
    const before = widest[index] ?? 0;
    if (width <= before) return;
    widestSum += width - before;
    widest[index] = width;
  }

  return {
    flush,
    add(cells) {
      const columns = open.slice(0, cells.length - 1);
      for (let index = 0; index < cells.length - 1; index++) {
        const width = countCodePoints(cells[index]!) + PADDING;
        const column = columns[index];
        if (column === undefined) columns.push({ width });
        else if (width > column.width) column.width = width;
        grow(index, width);
      }
      open = columns;
      lines.push({ cells, columns });
      tails += (cells.at(-1)?.length ?? 0) + "\n".length;
      const characters = lines.length * widestSum + tails;
      return characters > limits.characters || lines.length >= limits.lines ? flush() : "";
    },
  };
}

interface Column {
  width: number;
}

interface Line {
  readonly cells: readonly string[];
  /** One column for each cell except the last. */
  readonly columns: readonly Column[];
}

function layOut({ cells, columns }: Line): string {
  let text = "";
  for (let index = 0; index < columns.length; index++) {
    const cell = cells[index]!;
    text += cell.padEnd(columns[index]!.width + cell.length - countCodePoints(cell));
  }
  return `${text}${cells[columns.length] ?? ""}\n`;
}

/**
 * Splits an unescaped string like tabwriter: a tab or vertical tab ends a cell, a newline or form feed ends a line. A
 * form feed also ends all columns.
 */
export function splitCells(text: string): { readonly cells: string[]; readonly endsColumns: boolean }[] {
  const parts = text.split(/([\n\f])/);
  const lines = [];
  for (let index = 0; index < parts.length; index += 2) {
    lines.push({ cells: parts[index]!.split(/[\t\v]/), endsColumns: parts[index + 1] === "\f" });
  }
  return lines;
}

const SURROGATE_PAIR = /[\ud800-\udbff][\udc00-\udfff]/g;
const ASCII = /^[ -~]*$/;

function countCodePoints(text: string): number {
  if (ASCII.test(text)) return text.length;
  return text.length - (text.match(SURROGATE_PAIR)?.length ?? 0);
}
