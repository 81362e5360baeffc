import {
  RECORD_CAPTURED_LENGTH,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  RECORD_SECONDS,
} from "../../../packet/batch.js";
import { ETHERNET_LENGTH, ETHERTYPE, VLAN_LENGTH } from "../../../packet/headers/ethernet.js";
import {
  BYTE_COUNT_BITS,
  CLOCK_OFFSET,
  HEAD,
  LOST,
  type RingLayout,
  SLEEPING,
  SLOT_LENGTH_BITS,
  TAIL,
} from "../ring-layout.js";
import type { Assembler, Label } from "./assembler.js";
import { SKB_LENGTH, SKB_TIME, SKB_VLAN_CONTROL, SKB_VLAN_PRESENT, SKB_VLAN_TYPE } from "./packet-loads.js";
import { MESSAGE, RESERVED } from "./stack.js";

/** `BPF_RB_FORCE_WAKEUP` in include/uapi/linux/bpf.h. */
const FORCE_WAKEUP = 2;
const NANOSECONDS = 1_000_000_000;
const ONE_RECORD = 1n << BigInt(BYTE_COUNT_BITS);

export interface CaptureOptions {
  readonly layer: 2 | 3;
  /** Whether the packets are incoming, so that the kernel's receive timestamp can be used. */
  readonly arriving: boolean;
  /** Maximum captured bytes per packet. */
  readonly copyLength: number;
  readonly ring: RingLayout;
}

/**
 * Writes the packet in r6 to the ring as a record, or counts it as lost, and continues at `done`. See ring-layout.ts.
 */
export function emitCapture(
  asm: Assembler,
  { layer, arriving, copyLength, ring }: CaptureOptions,
  done: Label,
): void {
  const lost = asm.label("lost");
  // r7 is the original length, r8 the captured length, both including the VLAN tag; r9 will be the record.
  asm.load("r7", 32, SKB_LENGTH);
  if (layer === 2) emitTagLength(asm);
  emitAtMost(asm, "r8", "r7", copyLength);
  asm.jumpIf("r8", "<", 1, done);
  emitReserve(asm, ring, lost);
  emitRecordHeader(asm, arriving);
  emitCopy(asm, layer, copyLength);
  emitPublish(asm, ring);
  emitWake(asm, done);
  asm.jump(done);

  asm.place(lost);
  asm.mapValue("r1", "ring", 0);
  asm.alu("r2", "=", 1);
  asm.fetchAdd({ base: "r1", offset: LOST }, 64, "r2");
  asm.jump(done);
}

function emitTagLength(asm: Assembler): void {
  const untagged = asm.label("length without tag");
  emitUnlessTagged(asm, untagged);
  asm.alu("r7", "+=", VLAN_LENGTH);
  asm.place(untagged);
}

/**
 * Jumps to `untagged` unless the packet has a tag in its metadata and is long enough to insert it after both addresses.
 */
function emitUnlessTagged(asm: Assembler, untagged: Label): void {
  asm.load("r1", 32, SKB_VLAN_PRESENT);
  asm.jumpIf("r1", "==", 0, untagged);
  asm.load("r1", 32, SKB_LENGTH);
  asm.jumpIf("r1", "<", ETHERNET_LENGTH, untagged);
}

function emitAtMost(asm: Assembler, into: "r8", from: "r7", most: number): void {
  const fits = asm.label("fits");
  asm.alu(into, "=", from);
  asm.jumpIf(into, "<=", most, fits);
  asm.alu(into, "=", most);
  asm.place(fits);
}

/** Reserves space and a slot for a record; r9 becomes the record's address. */
function emitReserve(asm: Assembler, ring: RingLayout, lost: Label): void {
  const aboveCount = 64 - BYTE_COUNT_BITS;
  asm.mapValue("r1", "ring", 0);
  asm.load("r2", 64, { base: "r1", offset: HEAD });
  asm.load("r3", 64, { base: "r1", offset: TAIL });
  asm.alu("r2", "-=", "r3");
  asm.alu("r3", "=", "r2");
  asm.alu("r3", ">>=", BYTE_COUNT_BITS);
  asm.jumpIf("r3", ">=", ring.highWaterSlots, lost);
  asm.alu("r2", "<<=", aboveCount);
  asm.alu("r2", ">>=", aboveCount);
  asm.jumpIf("r2", ">", ring.highWater, lost);

  asm.constant64("r2", ONE_RECORD + BigInt(RECORD_HEADER_LENGTH));
  asm.alu("r2", "+=", "r8");
  asm.fetchAdd({ base: "r1", offset: HEAD }, 64, "r2");
  asm.store(RESERVED, 64, "r2");
  asm.alu("r2", "&=", ring.dataBytes - 1);
  asm.mapValue("r9", "ring", ring.dataAt);
  asm.alu("r9", "+=", "r2");
}

function emitRecordHeader(asm: Assembler, arriving: boolean): void {
  const timed = asm.label("timed");
  if (arriving) {
    // Set if a program on this machine has enabled receive timestamps; tcpdump reports the same time.
    asm.load("r0", 64, SKB_TIME);
    asm.jumpIf("r0", "!=", 0, timed);
  }
  asm.call("ktime_get_ns");
  asm.mapValue("r1", "ring", CLOCK_OFFSET);
  asm.load("r1", 64, { base: "r1", offset: 0 });
  asm.alu("r0", "+=", "r1");
  asm.place(timed);
  asm.alu("r1", "=", "r0");
  asm.alu("r1", "/=", NANOSECONDS);
  asm.store({ base: "r9", offset: RECORD_SECONDS }, 32, "r1");
  asm.alu("r1", "*=", NANOSECONDS);
  asm.alu("r0", "-=", "r1");
  asm.store({ base: "r9", offset: RECORD_FRACTION }, 32, "r0");
  asm.store({ base: "r9", offset: RECORD_CAPTURED_LENGTH }, 32, "r8");
  asm.store({ base: "r9", offset: RECORD_ORIGINAL_LENGTH }, 32, "r7");
}

function emitCopy(asm: Assembler, layer: 2 | 3, copyLength: number): void {
  const untagged = asm.label("copy without tag");
  const copied = asm.label("copied");
  if (layer === 2 && copyLength > ETHERTYPE + VLAN_LENGTH) {
    emitUnlessTagged(asm, untagged);
    asm.jumpIf("r8", "<=", ETHERTYPE + VLAN_LENGTH, untagged);
    emitCopyBytes(asm, 0, 0, () => asm.alu("r4", "=", ETHERTYPE));
    for (const [place, offset] of [
      [SKB_VLAN_TYPE, 0],
      [SKB_VLAN_CONTROL, 2],
    ] as const) {
      asm.load("r1", 32, place);
      // The type is already in network order.
      if (place === SKB_VLAN_CONTROL) asm.bigEndian("r1", 16);
      asm.store({ base: "r9", offset: RECORD_HEADER_LENGTH + ETHERTYPE + offset }, 16, "r1");
    }
    emitCopyBytes(asm, ETHERTYPE, ETHERTYPE + VLAN_LENGTH, () => {
      asm.alu("r4", "=", "r8");
      asm.alu("r4", "-=", ETHERTYPE + VLAN_LENGTH);
    });
    asm.jump(copied);
    asm.place(untagged);
  }
  emitCopyBytes(asm, 0, 0, () => asm.alu("r4", "=", "r8"));
  asm.place(copied);
}

/** Copies packet bytes to the record. Cannot fail, as the bytes exist. Also works for fragmented buffers. */
function emitCopyBytes(asm: Assembler, from: number, to: number, length: () => void): void {
  asm.alu("r1", "=", "r6");
  asm.alu("r2", "=", from);
  asm.alu("r3", "=", "r9");
  asm.alu("r3", "+=", RECORD_HEADER_LENGTH + to);
  length();
  asm.call("skb_load_bytes");
}

/** Fills the slot, which makes the record visible to the reader. */
function emitPublish(asm: Assembler, ring: RingLayout): void {
  const slotBits = Math.log2(ring.slots);
  asm.load("r1", 64, RESERVED);
  asm.alu("r1", ">>=", BYTE_COUNT_BITS);
  asm.alu("r2", "=", "r1");
  asm.alu("r2", "&=", ring.slots - 1);
  asm.alu("r2", "<<=", 2);
  asm.mapValue("r3", "ring", ring.slotsAt);
  asm.alu("r3", "+=", "r2");
  asm.alu("r1", ">>=", slotBits);
  asm.alu("r1", "<<=", SLOT_LENGTH_BITS);
  asm.alu("r1", "|=", "r8");
  asm.exchange({ base: "r3", offset: 0 }, 32, "r1");
}

/**
 * Wakes the reader if it sleeps. The program fills the slot and then reads the flag; the reader sets the flag and then
 * checks the slot.
 */
function emitWake(asm: Assembler, done: Label): void {
  asm.mapValue("r1", "ring", SLEEPING);
  asm.load("r2", 32, { base: "r1", offset: 0 });
  asm.jumpIf("r2", "==", 0, done);
  asm.store({ base: "r1", offset: 0 }, 32, 0);
  asm.store(MESSAGE, 64, 0);
  asm.map("r1", "wake");
  asm.alu("r2", "=", MESSAGE.base);
  asm.alu("r2", "+=", MESSAGE.offset);
  asm.alu("r3", "=", 8);
  asm.alu("r4", "=", FORCE_WAKEUP);
  asm.call("ringbuf_output");
}
