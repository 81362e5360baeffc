import {
  ENCAPSULATION_LIST,
  ENCAPSULATIONS,
  type Encapsulation,
} from "../../../packet/headers/encapsulations.js";
import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  VLAN_LENGTH,
} from "../../../packet/headers/ethernet.js";
import { PPP_IPV4, PPP_IPV6 } from "../../../packet/headers/ppp.js";
import type { Assembler, Label } from "./assembler.js";
import { emitAnnouncements, emitEncapsulation } from "./encapsulation.js";
import {
  emitClearHeader,
  emitForget,
  emitLoadBytes,
  emitLoadHeader,
  OFFSET_MASK,
  SKB_LENGTH,
  SKB_VLAN_PRESENT,
} from "./packet-loads.js";
import { behind, ETHERNET, HEADER_LENGTH, header } from "./stack.js";

/** Where to continue after the link layer. */
export interface LinkExits {
  /** Not IP as defined by the filters, or of a family without filters. */
  readonly miss: Label;
  readonly family: Readonly<Record<4 | 6, Label>>;
}

/**
 * Finds the network header of the packet in r1 and loads it, by the rules of `walkLink` and the same tables.
 *
 * @param window Bytes of a packet, including its VLAN tag, that filters consider; a longer packet is treated as
 *   truncated.
 */
export function emitLink(asm: Assembler, layer: 2 | 3, window: number, exits: LinkExits): void {
  asm.alu("r6", "=", "r1");
  asm.load("r7", 32, SKB_LENGTH);
  if (layer === 3) emitRaw(asm, window, exits);
  else emitEthernet(asm, window, exits);
}

function emitRaw(asm: Assembler, window: number, exits: LinkExits): void {
  emitCut(asm, window);
  emitForget(asm, [["r7", OFFSET_MASK]]);
  asm.alu("r8", "=", 0);
  emitClearHeader(asm);
  emitStatedVersion(asm, exits);
}

/** Loads the IP header at r8 and continues by the version that it states. */
function emitStatedVersion(asm: Assembler, { miss, family }: LinkExits): void {
  emitLoadHeader(asm, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r1", ">>=", 4);
  asm.jumpIf("r1", "==", 4, family[4]);
  asm.jumpIf("r1", "==", 6, family[6]);
  asm.jump(miss);
}

function emitEthernet(asm: Assembler, window: number, { miss, family }: LinkExits): void {
  const untagged = asm.label("untagged");
  const cut = asm.label("cut");
  // r9 counts the headers of each encapsulation, as `walkLink` does; a tag in the metadata is the first one.
  asm.load("r9", 32, SKB_VLAN_PRESENT);
  asm.jumpIf("r9", "==", 0, untagged);
  asm.alu("r9", "=", countOf("vlan"));
  // The tag is in the metadata but counts towards the window.
  emitCut(asm, window - VLAN_LENGTH);
  asm.jump(cut);
  asm.place(untagged);
  emitCut(asm, window);
  asm.place(cut);
  emitForget(asm, [["r7", OFFSET_MASK]]);
  asm.jumpIf("r7", "<", ETHERNET_LENGTH, miss);

  // Fast path: load the Ethernet and IP headers together, which works for nearly all packets.
  const whole = asm.label("whole");
  asm.alu("r4", "=", ETHERNET_LENGTH + HEADER_LENGTH);
  asm.jumpIf("r7", ">=", ETHERNET_LENGTH + HEADER_LENGTH, whole);
  emitClearHeader(asm);
  asm.store(ETHERNET, 16, 0);
  for (let offset = 2; offset < ETHERNET_LENGTH; offset += 4) asm.store(behind(ETHERNET, offset), 32, 0);
  asm.alu("r4", "=", "r7");
  asm.place(whole);
  emitLoadBytes(asm, ETHERNET, 0, miss);
  asm.alu("r8", "=", ETHERNET_LENGTH);
  asm.load("r1", 16, behind(ETHERNET, ETHERTYPE));
  asm.bigEndian("r1", 16);
  asm.jumpIf("r1", "==", ETHERTYPE_IPV4, family[4]);
  asm.jumpIf("r1", "==", ETHERTYPE_IPV6, family[6]);
  emitEncapsulations(asm, { miss, family });
}

/** Sets r7 to the end of the bytes that filters consider. */
function emitCut(asm: Assembler, window: number): void {
  const short = asm.label("short");
  asm.jumpIf("r7", "<=", window, short);
  asm.alu("r7", "=", window);
  asm.place(short);
}

/**
 * Walks from the header at r8, which the EtherType in r1 announces, to the network header. There are no loops: the
 * encapsulations that announce an EtherType are emitted once per step, as many steps as their limits allow. Those that
 * announce something else are emitted once behind them.
 */
function emitEncapsulations(asm: Assembler, { miss, family }: LinkExits): void {
  const load = { 4: asm.label("load IPv4"), 6: asm.label("load IPv6") };
  const stated = asm.label("load the version that is stated");
  const ppp = asm.label("PPP protocol");
  const last = new Map(ENTERED.filter(isLast).map((row) => [row, asm.label(row.name)]));
  const repeated = ENTERED.filter((row) => !isLast(row));
  const steps = repeated.reduce((sum, { most }) => sum + most.filters, 0);

  for (let step = 0; step <= steps; step++) {
    const next = asm.label(`step ${step + 1}`);
    const own = new Map(repeated.map((row) => [row, asm.label(`${row.name}, step ${step}`)]));
    // The type before the first step is neither IPv4 nor IPv6.
    if (step > 0) emitVersions(asm, { 4: ETHERTYPE_IPV4, 6: ETHERTYPE_IPV6 }, load);
    for (const row of ENTERED) {
      // In bounds: each row is in one of the two maps.
      if (step < steps || isLast(row))
        emitAnnouncements(asm, row.etherTypes, (last.get(row) ?? own.get(row))!);
    }
    asm.jump(miss);
    if (step === steps) break;
    for (const [row, label] of own) {
      asm.place(label);
      emitCount(asm, row, miss);
      emitEncapsulation(asm, row, miss);
      asm.jump(next);
    }
    asm.place(next);
  }
  for (const [row, label] of last) {
    asm.place(label);
    for (let header = 0; header < row.most.filters; header++) {
      emitEncapsulation(asm, row, miss);
      if (row.next.kind !== "stack") break;
      asm.jumpIf("r1", "&", row.next.lastBits, stated);
    }
    asm.jump(row.next.kind === "ppp" ? ppp : miss);
  }
  asm.place(ppp);
  emitVersions(asm, { 4: PPP_IPV4, 6: PPP_IPV6 }, load);
  for (const [row, label] of last) emitAnnouncements(asm, row.pppProtocols, label);
  asm.jump(miss);
  for (const version of [4, 6] as const) {
    asm.place(load[version]);
    emitLoadHeader(asm, miss);
    asm.jump(family[version]);
  }
  asm.place(stated);
  emitStatedVersion(asm, { miss, family });
}

const ENTERED: readonly Encapsulation[] = ENCAPSULATION_LIST.filter(({ most }) => most.filters > 0);

/** Whether no EtherType follows, so that no other encapsulation but those of PPP does. */
function isLast({ next }: Encapsulation): boolean {
  return next.kind !== "etherType";
}

function emitVersions(
  asm: Assembler,
  numbers: Readonly<Record<4 | 6, number>>,
  load: Readonly<Record<4 | 6, Label>>,
): void {
  asm.jumpIf("r1", "==", numbers[4], load[4]);
  asm.jumpIf("r1", "==", numbers[6], load[6]);
}

/** Four bits of r9 per encapsulation, as in `walkLink`. */
const COUNT_BITS = 4;
const COUNT_MASK = 2 ** COUNT_BITS - 1;

/** The number that counts one header of an encapsulation. */
function countOf(key: keyof typeof ENCAPSULATIONS): number {
  return 2 ** shiftOf(ENCAPSULATIONS[key]);
}

function shiftOf(row: Encapsulation): number {
  return COUNT_BITS * ENTERED.indexOf(row);
}

/** Counts a header; jumps to `miss` if there are too many. Uses r2. */
function emitCount(asm: Assembler, row: Encapsulation, miss: Label): void {
  const shift = shiftOf(row);
  asm.alu("r2", "=", "r9");
  asm.alu("r2", ">>=", shift);
  asm.alu("r2", "&=", COUNT_MASK);
  asm.jumpIf("r2", ">=", row.most.filters, miss);
  asm.alu("r9", "+=", 2 ** shift);
}
