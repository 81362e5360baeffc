import type { Prefix } from "../../../../net/index.js";
import type { ParsedPacketFilter } from "../../../../packet/filter/check.js";
import type { Assembler, Label, Place } from "../assembler.js";
import type { FamilyPlan } from "../filter-plan.js";
import type { Register } from "../instruction.js";
import { behind, DESTINATION_ADDRESS, SOURCE_ADDRESS } from "../stack.js";
import { swap16 } from "./tables.js";

/**
 * Compares the packet with one filter after another: r9 is the protocol, r8 the source port, r7 the destination port,
 * r5 the TCP flags as they are loaded.
 * The fields that are most likely to differ are compared first.
 */
export function emitChain(asm: Assembler, { family, filters }: FamilyPlan, match: Label, miss: Label): void {
  if (family === 4) {
    asm.load("r3", 32, SOURCE_ADDRESS[4]);
    asm.load("r4", 32, DESTINATION_ADDRESS[4]);
  }
  filters.forEach((filter, index) => {
    const next = asm.label(`after filter ${index}`);
    const { destinationPort, sourcePort, protocol, tcpFlags } = filter;
    if (destinationPort > 0) asm.jumpIf("r7", "!=", swap16(destinationPort), next);
    if (sourcePort > 0) asm.jumpIf("r8", "!=", swap16(sourcePort), next);
    if (family === 4) emitAddresses4(asm, filter, next);
    else emitAddresses6(asm, filter, next);
    if (protocol > 0) asm.jumpIf("r9", "!=", protocol, next);
    if (tcpFlags > 0) emitFlags(asm, swap16(tcpFlags), next);
    asm.jump(match);
    asm.place(next);
  });
  asm.jump(miss);
}

/** Jumps to `next` unless all of the flags are set. */
function emitFlags(asm: Assembler, flags: number, next: Label): void {
  asm.alu("r1", "=", "r5");
  asm.alu("r1", "&=", flags);
  asm.jumpIf("r1", "!=", flags, next);
}

function emitAddresses4(asm: Assembler, { source, destination }: ParsedPacketFilter, next: Label): void {
  for (const [register, { words, mask }] of [
    ["r3", source],
    ["r4", destination],
  ] as const) {
    emitWord(asm, register, words[3]!, mask[3]!, next);
  }
}

function emitAddresses6(asm: Assembler, { source, destination }: ParsedPacketFilter, next: Label): void {
  emitAddress6(asm, SOURCE_ADDRESS[6], source, next);
  emitAddress6(asm, DESTINATION_ADDRESS[6], destination, next);
}

function emitAddress6(asm: Assembler, place: Place, { words, mask, length }: Prefix, next: Label): void {
  const count = Math.ceil(length / 32);
  // The last words of prefixes differ most: the first ones often belong to the same provider.
  for (let index = count - 1; index >= 0; index--) {
    asm.load("r1", 32, behind(place, 4 * index));
    emitWord(asm, "r1", words[index]!, mask[index]!, next);
  }
}

/** Jumps to `next` unless the word in the register, in network order, matches `word` in the bits of `mask`. */
function emitWord(asm: Assembler, register: Register, word: number, mask: number, next: Label): void {
  if (mask === 0) return;
  let compared = register;
  if (mask !== 0xffff_ffff) {
    compared = "r1";
    if (register !== compared) asm.alu32(compared, "=", register);
    asm.alu32(compared, "&=", swap32(mask));
  }
  asm.jumpIf32(compared, "!=", swap32(word), next);
}

/** Converts a 32-bit word to the signed value that is loaded from network order. */
function swap32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
