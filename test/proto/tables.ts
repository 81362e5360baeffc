import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A row of a wire table: its cells by column name. */
export type Row = Readonly<Record<string, string>>;

export const fieldRows = readTable("fields.tsv");
export const valueRows = readTable("enums.tsv");
export const methodRows = readTable("services.tsv");

export function tablePath(name: string): string {
  return join(import.meta.dirname, "../vectors/wire", name);
}

/** The first release of each entry of the tables, by full name; a type is as old as its oldest entry. */
export function releases(): ReadonlyMap<string, string> {
  const since = new Map<string, string>();
  const put = (name: string, release: string) => {
    const before = since.get(name);
    if (before === undefined || release < before) since.set(name, release);
  };
  for (const { message, field, since: release = "" } of fieldRows) {
    put(`${message}`, release);
    put(`${message}.${field}`, release);
  }
  for (const { enum: type, value, since: release = "" } of valueRows) {
    put(`${type}`, release);
    put(`${type}.${value}`, release);
  }
  return since;
}

function readTable(name: string): Row[] {
  const [header = "", ...lines] = readFileSync(tablePath(name), "utf8").trimEnd().split("\n");
  const columns = header.split("\t");
  return lines.map((line) => {
    const cells = line.split("\t");
    if (cells.length !== columns.length) throw new Error(`${name}: not ${columns.length} cells: ${line}`);
    return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ""]));
  });
}
