import type { Flow } from "../../../gen/flow/flow_pb.js";
import { compileFieldText, type FieldText } from "./field-text.js";

/** A line of the table: a flow of the group, and how many there were. */
export interface GroupRow {
  readonly flow: Flow;
  readonly ingress: number;
  readonly egress: number;
  readonly unknown: number;
}

/** Limits for a screen. */
export interface ScreenSize {
  /** Maximum number of lines. */
  readonly rows: number;
  /** Maximum number of characters of a line. */
  readonly columns: number;
}

/** Formats groups as lines, those with most flows first. */
export interface GroupTable {
  /**
   * @param unlisted The number of flows that are in none of the groups.
   * @param screen If given, the lines are cut, and only as many of the groups listed as fit.
   */
  format(groups: readonly GroupRow[], unlisted: number, screen?: ScreenSize): string[];
}

const COUNTS = ["FLOWS", "INGRESS", "EGRESS", "UNKNOWN"];
const GAP = "  ";

/** Creates a table with a column for each field, after those of the counts. */
export function createGroupTable(fields: readonly string[]): GroupTable {
  const texts = fields.map(compileFieldText);
  return {
    format(groups, unlisted, screen) {
      if (groups.length === 0) return [];
      const sorted = [...groups].sort((a, b) => totalOf(b) - totalOf(a));
      const notes = unlisted === 0 ? [] : [unlistedNote(unlisted)];
      const room = screen === undefined ? sorted.length : Math.max(screen.rows - 1 - notes.length, 1);
      // The note about further groups takes the place of one.
      const listed = sorted.length > room ? sorted.slice(0, Math.max(room - 1, 1)) : sorted;
      const more = sorted.length - listed.length;
      if (more > 0) notes.unshift(`… ${more} more ${more === 1 ? "group" : "groups"}`);
      const cells = [[...COUNTS, ...fields], ...listed.map((group) => cellsOf(group, texts))];
      const lines = [...align(cells), ...notes];
      return screen === undefined ? lines : lines.map((line) => line.slice(0, screen.columns));
    },
  };
}

function totalOf({ ingress, egress, unknown }: GroupRow): number {
  return ingress + egress + unknown;
}

function cellsOf(group: GroupRow, texts: readonly FieldText[]): string[] {
  const { flow, ingress, egress, unknown } = group;
  return [...[totalOf(group), ingress, egress, unknown].map(String), ...texts.map((text) => text(flow))];
}

/** Counts to the right, fields to the left. */
function align(lines: readonly string[][]): string[] {
  const widths = lines[0]!.map((_, column) =>
    lines.reduce((width, cells) => Math.max(width, cells[column]!.length), 0),
  );
  return lines.map((cells) =>
    cells
      .map((cell, column) =>
        column < COUNTS.length ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join(GAP)
      .trimEnd(),
  );
}

function unlistedNote(flows: number): string {
  return `${flows} ${flows === 1 ? "flow" : "flows"} of further groups, beyond --aggregate-max`;
}
