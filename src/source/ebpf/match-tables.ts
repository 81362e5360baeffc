import type { Assembler, Label, Place } from "./assembler.js";
import type { Register } from "./instruction.js";
import {
  behind,
  DESTINATION_ADDRESS,
  DESTINATION_PORT,
  PROTOCOL,
  SOURCE_ADDRESS,
  SOURCE_PORT,
} from "./stack.js";
import type { GroupTables, LongTable, ValueTable, WordTable } from "./tables.js";

/** What a memory instruction reaches. */
const OFFSET_REACH = 0x7fff;
/** Bits that one test can name: its constant is extended with its sign. */
const TESTED_BITS = 31;

/**
 * Looks the packet up in the tables of group after group: r9 is the protocol, r8 the source port, r7 the destination port, as
 * far as the tables want them.
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
    // Jumps reach only so far: those of a group end with it.
    asm.place(matched);
    asm.jump(match);
    asm.place(next);
  });
  asm.jump(miss);
}

/** The rows in r1 to r5, with r0, r7, r8 and r9 to work with. */
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

/** Makes a row's offset its address. The test is for the verifier, which cannot know what the tables hold. */
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
 * Finds the last bound that is not above the address, without a branch that could be guessed wrong: half of what is left is
 * stepped over, or nothing. The row's offset comes into `row`.
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
    // 1 when the bound less 1 is below the address. (Not a mask: the verifier follows 0 and −1 one by one.)
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
  // r3 is how many entries of the list lie behind the one in hand.
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
    // 1 when there are as many left.
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
 * r8 becomes 1 when the number in r0 reaches the negated bound that lies `distance` ahead of r7, else 0: their sum then
 * carries out of 64 bits. Uses r5 and r9.
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
 * Loads what lies ahead of the offset r7 in the table at r4. Uses r5. (A pointer that moves from step to step would do with
 * less, but without CAP_PERFMON the verifier follows every step by itself as one that was not taken.)
 */
function emitLoadAhead(asm: Assembler, into: Register, width: 32 | 64, distance: number): void {
  asm.alu("r5", "=", "r4");
  if (distance > OFFSET_REACH) asm.alu("r5", "+=", distance);
  asm.alu("r5", "+=", "r7");
  asm.load(into, width, { base: "r5", offset: distance > OFFSET_REACH ? 0 : distance });
}

/** Matches when a bit is set in all rows. */
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
    // In a copy: the verifier would remember every bit, and follow every set of them by itself.
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

/** Uses r8. */
function emitAnd(asm: Assembler, into: "r0" | "r7", rows: readonly Register[], offset: number): void {
  const [first, ...others] = rows;
  // Some field is asked for, or there would be no tables.
  asm.load(into, 64, { base: first!, offset });
  for (const row of others) {
    asm.load("r8", 64, { base: row, offset });
    asm.alu(into, "&=", "r8");
  }
}
