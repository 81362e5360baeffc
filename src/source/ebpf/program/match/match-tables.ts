import type { Assembler, Label, Place } from "../assembler.js";
import type { Register } from "../instruction.js";
import {
  behind,
  DESTINATION_ADDRESS,
  DESTINATION_PORT,
  PROTOCOL,
  SOURCE_ADDRESS,
  SOURCE_PORT,
} from "../stack.js";
import type { LongTable, WordTable } from "./address-tables.js";
import type { GroupTables, ValueTable } from "./tables.js";

/** Maximum offset of a memory instruction. */
const OFFSET_REACH = 0x7fff;
/** Number of bits that can be tested with one constant, as constants are sign-extended. */
const TESTED_BITS = 31;

/**
 * Looks up the packet in the tables of each group: r9 is the protocol, r8 the source port, r7 the destination port, if
 * the tables need them.
 */
export function emitTables(asm: Assembler, groups: readonly GroupTables[], match: Label, miss: Label): void {
  if (groups.some(({ sourcePort }) => sourcePort !== undefined)) asm.store(SOURCE_PORT, 64, "r8");
  if (groups.some(({ destinationPort }) => destinationPort !== undefined))
    asm.store(DESTINATION_PORT, 64, "r7");
  if (groups.some(({ protocol }) => protocol !== undefined)) asm.store(PROTOCOL, 64, "r9");
  groups.forEach((group, index) => {
    const matched = asm.label(`group ${index} matches`);
    const next = asm.label(`after group ${index}`);
    emitGroup(asm, group, matched, next);
    // Conditional jumps have a limited range, so those of a group end here.
    asm.place(matched);
    asm.jump(match);
    asm.place(next);
  });
  asm.jump(miss);
}

/** Rows are in r1 to r5; uses r0, r7, r8 and r9. */
function emitGroup(asm: Assembler, group: GroupTables, match: Label, next: Label): void {
  const { family, source, destination, protocol, sourcePort, destinationPort, rowBytes } = group;
  const rows: Register[] = [];
  if (source !== undefined) {
    emitAddress(asm, "r1", SOURCE_ADDRESS[family], source, rowBytes, next);
    rows.push("r1");
  }
  if (destination !== undefined) {
    emitAddress(asm, "r2", DESTINATION_ADDRESS[family], destination, rowBytes, next);
    rows.push("r2");
  }
  for (const [register, table, place] of [
    ["r3", protocol, PROTOCOL],
    ["r4", sourcePort, SOURCE_PORT],
    ["r5", destinationPort, DESTINATION_PORT],
  ] as const) {
    if (table === undefined) continue;
    emitValue(asm, register, place, table, rowBytes, next);
    rows.push(register);
  }
  emitIntersection(asm, rows, group, match, next);
}

function emitAddress(
  asm: Assembler,
  row: Register,
  address: Place,
  table: WordTable | LongTable,
  rowBytes: number,
  next: Label,
): void {
  if (table.kind === "words") emitWordSearch(asm, row, address, table);
  else emitLongSearch(asm, row, address, table, next);
  emitRow(asm, row, table, rowBytes, next);
}

/**
 * Converts the offset of a row to its address. The bounds check is for the verifier, which does not know the contents
 * of the tables.
 */
function emitRow(
  asm: Assembler,
  row: Register,
  { rowsAt, rows }: { readonly rowsAt: number; readonly rows: number },
  rowBytes: number,
  next: Label,
): void {
  asm.jumpIf(row, ">", (rows - 1) * rowBytes, next);
  asm.mapValue("r0", "tables", rowsAt);
  asm.alu("r0", "+=", row);
  asm.alu(row, "=", "r0");
}

function emitValue(
  asm: Assembler,
  row: Register,
  place: Place,
  { classesAt, values, rowsAt, rows }: ValueTable,
  rowBytes: number,
  next: Label,
): void {
  asm.load("r7", 64, place);
  asm.jumpIf("r7", ">", values - 1, next);
  asm.alu("r7", "<<=", 1);
  asm.mapValue("r0", "tables", classesAt);
  asm.alu("r0", "+=", "r7");
  asm.load(row, 16, { base: "r0", offset: 0 });
  asm.alu(row, "*=", rowBytes);
  emitRow(asm, row, { rowsAt, rows }, rowBytes, next);
}

/**
 * Binary search for the last bound that is not above the address. It has no branches that could be mispredicted: each
 * step adds half of the remaining range, or 0. The row's offset ends up in `row`.
 */
function emitWordSearch(
  asm: Assembler,
  row: Register,
  address: Place,
  { boundsAt, entries }: WordTable,
): void {
  asm.load("r0", 32, address);
  asm.bigEndian("r0", 32);
  asm.mapValue("r4", "tables", boundsAt);
  asm.alu("r7", "=", 0);
  for (let half = entries / 2; half >= 1; half /= 2) {
    const step = 4 * half;
    emitLoadAhead(asm, "r8", 32, step);
    // 1 if the bound less 1 is below the address. (Not a mask: the verifier would follow 0 and −1 separately.)
    asm.alu("r8", "-=", "r0");
    asm.alu("r8", ">>=", 63);
    asm.alu("r8", "<<=", Math.log2(step));
    asm.alu("r7", "+=", "r8");
  }
  emitLoadAhead(asm, row, 32, 4 * entries);
}

function emitLongSearch(
  asm: Assembler,
  row: Register,
  address: Place,
  { boundsAt, entries, lower }: LongTable,
  next: Label,
): void {
  asm.load("r0", 64, address);
  asm.bigEndian("r0", 64);
  asm.mapValue("r4", "tables", boundsAt);
  asm.alu("r7", "=", 0);
  for (let half = entries / 2; half >= 1; half /= 2) {
    emitReaches(asm, 8 * half);
    asm.alu("r8", "<<=", Math.log2(8 * half));
    asm.alu("r7", "+=", "r8");
  }
  emitLoadAhead(asm, row, 64, 8 * entries);
  if (lower === undefined) return;

  const found = asm.label("row found");
  // r3 is the number of list entries after the current one.
  asm.alu("r3", "=", row);
  asm.alu("r3", ">>=", 32);
  asm.jumpIf("r3", "==", 0, found);
  asm.alu("r3", "-=", 1);
  asm.alu32(row, "=", row);
  asm.jumpIf(row, ">", lower.lastList, next);
  asm.load("r0", 64, behind(address, 8));
  asm.bigEndian("r0", 64);
  asm.mapValue("r4", "tables", lower.boundsAt);
  asm.alu("r7", "=", row);
  for (let half = 2 ** Math.ceil(Math.log2(lower.span)) / 2; half >= 1; half /= 2) {
    emitReaches(asm, 8 * half);
    // 1 if that many entries remain.
    asm.alu("r9", "=", half - 1);
    asm.alu("r9", "-=", "r3");
    asm.alu("r9", ">>=", 63);
    asm.alu("r8", "&=", "r9");
    asm.alu("r8", "<<=", Math.log2(half));
    asm.alu("r3", "-=", "r8");
    asm.alu("r8", "<<=", 3);
    asm.alu("r7", "+=", "r8");
  }
  emitLoadAhead(asm, row, 64, lower.valuesDistance);
  asm.place(found);
}

/**
 * Sets r8 to 1 if the number in r0 is not below the bound whose negation is `distance` bytes after r7, else to 0: their
 * sum then carries out of 64 bits. Uses r5 and r9.
 */
function emitReaches(asm: Assembler, distance: number): void {
  emitLoadAhead(asm, "r8", 64, distance);
  // The carry of a + b is (a & b) | ((a | b) & ~(a + b)), in the top bit.
  asm.alu("r9", "=", "r8");
  asm.alu("r9", "|=", "r0");
  asm.alu("r5", "=", "r8");
  asm.alu("r5", "+=", "r0");
  asm.alu("r5", "^=", -1);
  asm.alu("r9", "&=", "r5");
  asm.alu("r8", "&=", "r0");
  asm.alu("r8", "|=", "r9");
  asm.alu("r8", ">>=", 63);
}

/**
 * Loads the value `distance` bytes after offset r7 in the table at r4. Uses r5. (Moving a pointer from step to step
 * would take fewer instructions, but without CAP_PERFMON the verifier would follow each step twice, taken and not
 * taken.)
 */
function emitLoadAhead(asm: Assembler, into: Register, width: 32 | 64, distance: number): void {
  asm.alu("r5", "=", "r4");
  if (distance > OFFSET_REACH) asm.alu("r5", "+=", distance);
  asm.alu("r5", "+=", "r7");
  asm.load(into, width, { base: "r5", offset: distance > OFFSET_REACH ? 0 : distance });
}

/** Jumps to `match` if a bit is set in all rows. */
function emitIntersection(
  asm: Assembler,
  rows: readonly Register[],
  { words, hasSummary }: GroupTables,
  match: Label,
  next: Label,
): void {
  if (!hasSummary) {
    for (let word = 0; word < words; word++) {
      emitAnd(asm, "r0", rows, 8 * word);
      asm.jumpIf("r0", "!=", 0, match);
    }
    asm.jump(next);
    return;
  }
  emitAnd(asm, "r0", rows, 0);
  asm.jumpIf("r0", "==", 0, next);
  const lookups: { readonly word: number; readonly look: Label; readonly back: Label }[] = [];
  for (let word = 0; word < words; word++) {
    if (word > 0 && word % TESTED_BITS === 0) asm.alu("r0", ">>=", TESTED_BITS);
    const look = asm.label(`word ${word}`);
    const back = asm.label(`after word ${word}`);
    // Test a copy: otherwise the verifier would track every bit and follow every combination separately.
    asm.alu("r9", "=", "r0");
    asm.alu("r9", "&=", 2 ** (word % TESTED_BITS));
    asm.jumpIf("r9", "!=", 0, look);
    asm.place(back);
    lookups.push({ word, look, back });
  }
  asm.jump(next);
  for (const { word, look, back } of lookups) {
    asm.place(look);
    emitAnd(asm, "r7", rows, 8 + 8 * word);
    asm.jumpIf("r7", "!=", 0, match);
    asm.jump(back);
  }
}

/** Combines a word of all rows. Uses r8. */
function emitAnd(asm: Assembler, into: "r0" | "r7", rows: readonly Register[], offset: number): void {
  const [first, ...others] = rows;
  // At least one field has a table, as otherwise the filter would match everything.
  asm.load(into, 64, { base: first!, offset });
  for (const row of others) {
    asm.load("r8", 64, { base: row, offset });
    asm.alu(into, "&=", "r8");
  }
}
