import {
  ETHERNET_LENGTH,
  ETHERTYPE,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  VLAN_ETHERTYPES,
  VLAN_LENGTH,
} from "../../../packet/headers/ethernet.js";
import { IPV4_FLAGS_OFFSET, IPV4_MIN_LENGTH, IPV4_PROTOCOL } from "../../../packet/headers/ipv4.js";
import {
  AUTHENTICATION,
  EXTENSION_HEADER_NUMBERS,
  FRAGMENT,
  FRAGMENT_LENGTH,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  MAX_EXTENSION_HEADERS,
} from "../../../packet/headers/ipv6.js";
import { PROTOCOLS_WITH_PORTS } from "../../../packet/headers/transport.js";
import { MAX_COPY_LENGTH } from "../ring-layout.js";
import type { Assembler, Label, Place } from "./assembler.js";
import type { FamilyPlan } from "./filter-plan.js";
import { behind, ETHERNET, HEADER_LENGTH, header, LATER_FRAGMENT, SCRATCH } from "./stack.js";
import { NO_PORT, PROTOCOL_UNKNOWN, swap16 } from "./tables.js";

// Follows the same rules as packet/layers.ts, in the same order. Registers between the stages: r6 is the packet
// (`__sk_buff`), r7 the end of the bytes to consider, r8 the start of the current header.

/** `struct __sk_buff` in include/uapi/linux/bpf.h. */
export const SKB_LENGTH: Place = { base: "r6", offset: 0 };
export const SKB_VLAN_PRESENT: Place = { base: "r6", offset: 20 };
export const SKB_VLAN_CONTROL: Place = { base: "r6", offset: 24 };
export const SKB_VLAN_TYPE: Place = { base: "r6", offset: 28 };
export const SKB_TIME: Place = { base: "r6", offset: 152 };

/** Mask above all offsets in packets. */
const OFFSET_MASK = 2 * MAX_COPY_LENGTH - 1;
/** End, offset and number of the current header. */
const HEADER_IN_HAND = [
  ["r7", OFFSET_MASK],
  ["r8", OFFSET_MASK],
  ["r9", 0xff],
] as const;
/** Masks for ports or {@link NO_PORT}, and for the protocol or {@link PROTOCOL_UNKNOWN}. */
const PORT_MASK = 2 * NO_PORT - 1;
const PROTOCOL_MASK = 2 * PROTOCOL_UNKNOWN - 1;
/** Fragment offsets of IPv4 and IPv6 as they are loaded, in network order. */
const IPV4_FRAGMENT_OFFSET = 0xff1f;
const IPV6_FRAGMENT_OFFSET = 0xf8ff;

/** Where to continue after a stage. */
export interface NetworkExits {
  /** Not IP as defined by the filters, or of a family without filters. */
  readonly miss: Label;
  readonly family: Readonly<Record<4 | 6, Label>>;
}

/**
 * Finds the network header of the packet in r1 and loads it.
 *
 * @param window Bytes of a packet, including its VLAN tag, that filters consider; a longer packet is treated as
 *   truncated.
 */
export function emitNetwork(
  asm: Assembler,
  layer: 2 | 3,
  window: number,
  { miss, family }: NetworkExits,
): void {
  asm.alu("r6", "=", "r1");
  asm.load("r7", 32, SKB_LENGTH);
  if (layer === 3) emitRaw(asm, window, { miss, family });
  else emitEthernet(asm, window, { miss, family });
}

function emitRaw(asm: Assembler, window: number, { miss, family }: NetworkExits): void {
  emitCut(asm, window);
  emitForget(asm, [["r7", OFFSET_MASK]]);
  asm.alu("r8", "=", 0);
  emitClearHeader(asm);
  emitLoadHeader(asm, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r1", ">>=", 4);
  asm.jumpIf("r1", "==", 4, family[4]);
  asm.jumpIf("r1", "==", 6, family[6]);
  asm.jump(miss);
}

function emitEthernet(asm: Assembler, window: number, { miss, family }: NetworkExits): void {
  const untagged = asm.label("untagged");
  const cut = asm.label("cut");
  asm.load("r9", 32, SKB_VLAN_PRESENT);
  asm.jumpIf("r9", "==", 0, untagged);
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
  emitLoadBytes(asm, ETHERNET, "none", miss);
  asm.alu("r8", "=", ETHERNET_LENGTH);
  const atType = behind(ETHERNET, ETHERTYPE);
  emitByEtherType(asm, atType, family);

  // A tag in the packet bytes. If the metadata has one too, this is the second tag.
  const loadTagged = asm.label("load tagged");
  emitUnlessTag(asm, miss, "first tag");
  emitTag(asm, miss);
  emitByEtherType(asm, behind(SCRATCH, 2), { 4: loadTagged, 6: loadTagged });
  asm.jumpIf("r9", "!=", 0, miss);
  emitUnlessTag(asm, miss, "second tag");
  emitTag(asm, miss);
  emitByEtherType(asm, behind(SCRATCH, 2), { 4: loadTagged, 6: loadTagged });
  asm.jump(miss);

  asm.place(loadTagged);
  emitLoadHeader(asm, miss);
  emitByEtherType(asm, behind(SCRATCH, 2), family);
  asm.jump(miss);
}

/** The verifier requires every byte of the stack to be written before it is read. */
function emitClearHeader(asm: Assembler): void {
  for (let offset = 0; offset < HEADER_LENGTH; offset += 8) asm.store(header(offset), 64, 0);
}

/** Sets r7 to the end of the bytes that filters consider. */
function emitCut(asm: Assembler, window: number): void {
  const short = asm.label("short");
  asm.jumpIf("r7", "<=", window, short);
  asm.alu("r7", "=", window);
  asm.place(short);
}

/** Jumps to the family of the EtherType; falls through for any other. Leaves the type in r1, in network order. */
function emitByEtherType(asm: Assembler, place: Place, family: Readonly<Record<4 | 6, Label>>): void {
  asm.load("r1", 16, place);
  asm.jumpIf("r1", "==", swap16(ETHERTYPE_IPV4), family[4]);
  asm.jumpIf("r1", "==", swap16(ETHERTYPE_IPV6), family[6]);
}

function emitUnlessTag(asm: Assembler, miss: Label, name: string): void {
  const tagged = asm.label(name);
  for (const type of VLAN_ETHERTYPES) asm.jumpIf("r1", "==", swap16(type), tagged);
  asm.jump(miss);
  asm.place(tagged);
}

/** Loads the tag at r8 and moves r8 past it. */
function emitTag(asm: Assembler, miss: Label): void {
  asm.alu("r1", "=", "r8");
  asm.alu("r1", "+=", VLAN_LENGTH);
  asm.jumpIf("r1", ">", "r7", miss);
  asm.alu("r4", "=", VLAN_LENGTH);
  emitLoadBytes(asm, SCRATCH, "r8", miss);
  asm.alu("r8", "+=", VLAN_LENGTH);
}

/** Loads as much of the network header at r8 as the packet contains. */
function emitLoadHeader(asm: Assembler, miss: Label): void {
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

/** Loads r4 bytes of the packet from offset `from` to a stack location. */
function emitLoadBytes(asm: Assembler, { base, offset }: Place, from: "r8" | "none", miss: Label): void {
  asm.alu("r1", "=", "r6");
  if (from === "none") asm.alu("r2", "=", 0);
  else asm.alu("r2", "=", from);
  asm.alu("r3", "=", base);
  asm.alu("r3", "+=", offset);
  asm.call("skb_load_bytes");
  asm.jumpIf("r0", "!=", 0, miss);
}

/**
 * Parses the loaded IP header: the protocol into r9 (or {@link PROTOCOL_UNKNOWN}), the source port into r8 and the
 * destination port into r7, in network order (or {@link NO_PORT}), if the filters need them.
 */
export function emitTransport(asm: Assembler, plan: FamilyPlan, miss: Label): void {
  if (plan.family === 4) emitIpv4(asm, plan, miss);
  else emitIpv6(asm, plan, miss);
  const { needsPorts, needsProtocol } = plan;
  if (needsPorts) {
    emitForget(asm, [
      ["r7", PORT_MASK],
      ["r8", PORT_MASK],
    ]);
  }
  if (needsProtocol) emitForget(asm, [["r9", PROTOCOL_MASK]]);
}

function emitIpv4(asm: Assembler, { needsPorts }: FamilyPlan, miss: Label): void {
  asm.alu("r0", "=", "r7");
  asm.alu("r0", "-=", "r8");
  asm.jumpIf("r0", "<", IPV4_MIN_LENGTH, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r2", "=", "r1");
  asm.alu("r2", ">>=", 4);
  asm.jumpIf("r2", "!=", 4, miss);
  asm.alu("r1", "&=", 0x0f);
  asm.alu("r1", "<<=", 2);
  asm.jumpIf("r1", "<", IPV4_MIN_LENGTH, miss);
  asm.jumpIf("r1", ">", "r0", miss);
  asm.load("r9", 8, header(IPV4_PROTOCOL));
  if (!needsPorts) return;
  const none = asm.label("no IPv4 ports");
  const done = asm.label("IPv4 done");
  asm.load("r2", 16, header(IPV4_FLAGS_OFFSET));
  asm.jumpIf("r2", "&", IPV4_FRAGMENT_OFFSET, none);
  asm.alu("r8", "+=", "r1");
  emitPorts(asm, header(IPV4_MIN_LENGTH), {
    isAt: (at) => asm.jumpIf("r1", "==", IPV4_MIN_LENGTH, at),
    none,
    done,
  });
  emitNoPorts(asm, none);
  asm.place(done);
}

function emitIpv6(asm: Assembler, { needsProtocol, needsPorts }: FamilyPlan, miss: Label): void {
  asm.alu("r0", "=", "r7");
  asm.alu("r0", "-=", "r8");
  asm.jumpIf("r0", "<", IPV6_LENGTH, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r1", ">>=", 4);
  asm.jumpIf("r1", "!=", 6, miss);
  if (!needsProtocol) return;
  const none = asm.label("no IPv6 ports");
  const done = asm.label("IPv6 done");
  const unknown = asm.label("protocol unknown");
  const chain = asm.label("extension headers");
  asm.load("r9", 8, header(IPV6_NEXT_HEADER));
  asm.alu("r8", "+=", IPV6_LENGTH);
  for (const number of EXTENSION_HEADER_NUMBERS) asm.jumpIf("r9", "==", number, chain);
  const walked = { none, done };
  if (needsPorts) emitPorts(asm, header(IPV6_LENGTH), { isAt: (at) => asm.jump(at), ...walked });
  else asm.jump(done);
  asm.place(chain);
  emitExtensions(asm, unknown, () => {
    if (!needsPorts) return asm.jump(done);
    asm.load("r1", 32, LATER_FRAGMENT);
    asm.jumpIf("r1", "!=", 0, none);
    emitPorts(asm, undefined, walked);
  });
  asm.place(unknown);
  asm.alu("r9", "=", PROTOCOL_UNKNOWN);
  if (needsPorts) emitNoPorts(asm, none);
  asm.place(done);
}

/** Walks from header r9 at r8 to the first header that is not an extension, then continues with `after`. */
function emitExtensions(asm: Assembler, unknown: Label, after: () => void): void {
  const end = asm.label("end of extension headers");
  asm.store(LATER_FRAGMENT, 32, 0);
  for (let walked = 0; walked <= MAX_EXTENSION_HEADERS; walked++) {
    const walk = asm.label(`extension header ${walked}`);
    if (walked > 0) {
      for (const number of EXTENSION_HEADER_NUMBERS) asm.jumpIf("r9", "==", number, walk);
      asm.jump(end);
    }
    asm.place(walk);
    if (walked === MAX_EXTENSION_HEADERS) {
      asm.jump(unknown);
      break;
    }
    emitForget(asm, HEADER_IN_HAND);
    emitExtension(asm, unknown);
  }
  asm.place(end);
  emitForget(asm, HEADER_IN_HAND);
  after();
}

/**
 * Makes the verifier forget what it knows about registers beyond their masks, without changing their values. Otherwise
 * it would follow each of the thousands of paths to this point separately to the end, as their bounds differ. (Without
 * CAP_PERFMON it merges only paths with equal bounds.) Adding and subtracting a value that the verifier does not know
 * has this effect. Uses r1.
 */
function emitForget(
  asm: Assembler,
  masks: readonly (readonly [register: "r7" | "r8" | "r9", mask: number])[],
): void {
  asm.load("r1", 32, SKB_LENGTH);
  for (const [register, mask] of masks) {
    asm.alu(register, "+=", "r1");
    asm.alu(register, "-=", "r1");
    asm.alu(register, "&=", mask);
  }
}

/** Parses an extension header. All of them have at least 8 bytes, so the length is checked once. */
function emitExtension(asm: Assembler, unknown: Label): void {
  const authentication = asm.label("authentication header");
  const fragment = asm.label("fragment header");
  const first = asm.label("first fragment");
  const next = asm.label("next header");
  asm.alu("r1", "=", "r8");
  asm.alu("r1", "+=", 8);
  asm.jumpIf("r1", ">", "r7", unknown);
  asm.alu("r4", "=", 4);
  emitLoadBytes(asm, SCRATCH, "r8", unknown);
  asm.load("r1", 8, behind(SCRATCH, 1));
  asm.jumpIf("r9", "==", FRAGMENT, fragment);
  asm.jumpIf("r9", "==", AUTHENTICATION, authentication);
  asm.alu("r1", "+=", 1);
  asm.alu("r1", "<<=", 3);
  asm.jump(next);
  asm.place(authentication);
  asm.alu("r1", "+=", 2);
  asm.alu("r1", "<<=", 2);
  asm.jump(next);
  asm.place(fragment);
  asm.alu("r1", "=", FRAGMENT_LENGTH);
  asm.load("r2", 16, behind(SCRATCH, 2));
  asm.alu("r2", "&=", IPV6_FRAGMENT_OFFSET);
  asm.jumpIf("r2", "==", 0, first);
  asm.store(LATER_FRAGMENT, 32, 1);
  asm.place(first);
  asm.place(next);
  asm.alu("r8", "+=", "r1");
  asm.jumpIf("r8", ">", "r7", unknown);
  asm.load("r9", 8, SCRATCH);
}

/**
 * Loads the ports of protocol r9 at r8, if the packet contains them.
 *
 * @param loaded Where the ports are already loaded if `isAt` jumps.
 */
function emitPorts(
  asm: Assembler,
  loaded: Place | undefined,
  { isAt, none, done }: { isAt?: (at: Label) => void; none: Label; done: Label },
): void {
  const has = asm.label("protocol with ports");
  for (const protocol of PROTOCOLS_WITH_PORTS) asm.jumpIf("r9", "==", protocol, has);
  asm.jump(none);
  asm.place(has);
  asm.alu("r2", "=", "r8");
  asm.alu("r2", "+=", 4);
  asm.jumpIf("r2", ">", "r7", none);
  const at = asm.label("ports are loaded");
  if (loaded !== undefined) isAt?.(at);
  asm.alu("r4", "=", 4);
  emitLoadBytes(asm, SCRATCH, "r8", none);
  asm.load("r8", 16, SCRATCH);
  asm.load("r7", 16, behind(SCRATCH, 2));
  asm.jump(done);
  if (loaded === undefined) return;
  asm.place(at);
  asm.load("r8", 16, loaded);
  asm.load("r7", 16, behind(loaded, 2));
  asm.jump(done);
}

function emitNoPorts(asm: Assembler, none: Label): void {
  asm.place(none);
  asm.alu("r8", "=", NO_PORT);
  asm.alu("r7", "=", NO_PORT);
}
