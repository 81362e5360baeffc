import { MAX_COPY_LENGTH } from "../ring-layout.js";
import type { Assembler, Label, Place } from "./assembler.js";
import { HEADER_LENGTH, header } from "./stack.js";

// Registers while the headers are found: r6 is the packet (`__sk_buff`), r7 the end of the bytes to consider, r8 the
// offset of the current header.

/** `struct __sk_buff` in include/uapi/linux/bpf.h. */
export const SKB_LENGTH: Place = { base: "r6", offset: 0 };
export const SKB_VLAN_PRESENT: Place = { base: "r6", offset: 20 };
export const SKB_VLAN_CONTROL: Place = { base: "r6", offset: 24 };
export const SKB_VLAN_TYPE: Place = { base: "r6", offset: 28 };
export const SKB_TIME: Place = { base: "r6", offset: 152 };

/** Mask above all offsets in packets. */
export const OFFSET_MASK: number = 2 * MAX_COPY_LENGTH - 1;

/** Loads r4 bytes of the packet from an offset to a stack location. Uses r0 to r5. */
export function emitLoadBytes(asm: Assembler, { base, offset }: Place, from: "r8" | 0, miss: Label): void {
  asm.alu("r1", "=", "r6");
  asm.alu("r2", "=", from);
  asm.alu("r3", "=", base);
  asm.alu("r3", "+=", offset);
  asm.call("skb_load_bytes");
  asm.jumpIf("r0", "!=", 0, miss);
}

/** Loads the `length` bytes at r8 to a stack location; jumps to `miss` if they are not captured. */
export function emitLoadAt(asm: Assembler, place: Place, length: number, miss: Label): void {
  asm.alu("r1", "=", "r8");
  asm.alu("r1", "+=", length);
  asm.jumpIf("r1", ">", "r7", miss);
  asm.alu("r4", "=", length);
  emitLoadBytes(asm, place, "r8", miss);
}

/** Loads as much of the network header at r8 as the packet contains. */
export function emitLoadHeader(asm: Assembler, miss: Label): void {
  const whole = asm.label("whole header");
  asm.jumpIf("r8", ">=", "r7", miss);
  asm.alu("r4", "=", "r7");
  asm.alu("r4", "-=", "r8");
  asm.jumpIf("r4", "<=", HEADER_LENGTH, whole);
  asm.alu("r4", "=", HEADER_LENGTH);
  asm.place(whole);
  asm.jumpIf("r4", "<", 1, miss);
  emitLoadBytes(asm, header(0), "r8", miss);
}

/** The verifier requires every byte of the stack to be written before it is read. */
export function emitClearHeader(asm: Assembler): void {
  for (let offset = 0; offset < HEADER_LENGTH; offset += 8) asm.store(header(offset), 64, 0);
}

/**
 * Makes the verifier forget what it knows about registers beyond their masks, without changing their values. Otherwise
 * it would follow each of the thousands of paths to this point separately to the end, as their bounds differ. (Without
 * CAP_PERFMON it merges only paths with equal bounds.) Adding and subtracting a value that the verifier does not know
 * has this effect. Uses r1.
 */
export function emitForget(
  asm: Assembler,
  masks: readonly (readonly [register: "r5" | "r7" | "r8" | "r9", mask: number])[],
): void {
  asm.load("r1", 32, SKB_LENGTH);
  for (const [register, mask] of masks) {
    asm.alu(register, "+=", "r1");
    asm.alu(register, "-=", "r1");
    asm.alu(register, "&=", mask);
  }
}
