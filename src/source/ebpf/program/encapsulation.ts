import type { Announcement, Encapsulation } from "../../../packet/headers/encapsulations.js";
import type { Assembler, Label } from "./assembler.js";
import { emitForget, emitLoadAt, OFFSET_MASK } from "./packet-loads.js";
import { behind, SCRATCH } from "./stack.js";

/** Jumps to `label` if the number in r1 is one of the announcements. */
export function emitAnnouncements(
  asm: Assembler,
  announcements: readonly Announcement[],
  label: Label,
): void {
  for (const announcement of announcements) {
    const [from, to] = typeof announcement === "number" ? [announcement, announcement] : announcement;
    if (from === to) asm.jumpIf("r1", "==", from, label);
    else if (from === 0) asm.jumpIf("r1", "<=", to, label);
    else {
      const below = asm.label("below the range");
      asm.jumpIf("r1", "<", from, below);
      asm.jumpIf("r1", "<=", to, label);
      asm.place(below);
    }
  }
}

/**
 * Moves r8 past the header at r8, and loads what announces the next one into r1: a number in host order, or the byte that
 * marks the end of a stack.
 */
export function emitEncapsulation(
  asm: Assembler,
  { length, required, next }: Encapsulation,
  miss: Label,
): void {
  emitLoadAt(asm, SCRATCH, length, miss);
  for (const { at, value } of required) {
    asm.load("r1", 8, behind(SCRATCH, at));
    asm.jumpIf("r1", "!=", value, miss);
  }
  asm.alu("r8", "+=", length);
  emitForget(asm, [
    ["r8", OFFSET_MASK],
    ["r9", COUNTS_MASK],
  ]);
  if (next.kind === "stack") {
    asm.load("r1", 8, behind(SCRATCH, next.at));
  } else {
    asm.load("r1", 16, behind(SCRATCH, next.at));
    asm.bigEndian("r1", 16);
  }
}

/** Mask above all counts of encapsulations. */
const COUNTS_MASK = 2 ** 30 - 1;
