import type { Result } from "./result.js";
import { utf8Length } from "./utf8.js";

/**
 * Parses the first record of comma-separated values, like pflag's `StringSlice` with Go's `encoding/csv`: skips empty
 * lines before it and ignores everything after it. Quoted fields may contain commas, newlines and doubled quotes.
 * Faults have Go's text; their columns count bytes.
 */
export function parseCsv(text: string): Result<string[]> {
  if (text === "") return { value: [] };
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  // What follows the last newline is no line, unless it has characters.
  const isTerminated = text.endsWith("\n");
  if (isTerminated) lines.pop();
  const first = lines.findIndex((line) => line !== "");
  if (first < 0) return { fault: "EOF" };

  const fields: string[] = [];
  let row = first;
  let line = lines[row]!;
  let at = 0;
  for (;;) {
    if (line[at] !== '"') {
      const comma = line.indexOf(",", at);
      const end = comma < 0 ? line.length : comma;
      const field = line.slice(at, end);
      const quote = field.indexOf('"');
      if (quote >= 0) return fault(first, row, line, at + quote, 'bare " in non-quoted-field');
      fields.push(field);
      if (comma < 0) return { value: fields };
      at = comma + 1;
      continue;
    }
    at++;
    const parts: string[] = [];
    for (;;) {
      const quote = line.indexOf('"', at);
      if (quote >= 0) {
        parts.push(line.slice(at, quote));
        at = quote + 1;
        if (line[at] !== '"') break;
        parts.push('"');
        at++;
        continue;
      }
      // The field continues on the next line.
      parts.push(line.slice(at), "\n");
      const next = lines[row + 1];
      // At the end, Go points behind the newline of the last line.
      if (next === undefined) {
        const whole = isTerminated ? `${line}\n` : line;
        return fault(first, row, whole, whole.length, MISSING_QUOTE);
      }
      row++;
      line = next;
      at = 0;
    }
    fields.push(parts.join(""));
    if (at === line.length) return { value: fields };
    if (line[at] !== ",") return fault(first, row, line, at - 1, MISSING_QUOTE);
    at++;
  }
}

const MISSING_QUOTE = 'extraneous or missing " in quoted-field';

function fault(first: number, row: number, line: string, at: number, reason: string): { fault: string } {
  const column = utf8Length(line.slice(0, at)) + 1;
  const start = first === row ? "" : `record on line ${first + 1}; `;
  return { fault: `${start}parse error on line ${row + 1}, column ${column}: ${reason}` };
}
