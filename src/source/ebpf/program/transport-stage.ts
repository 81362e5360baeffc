import {
  IPV4_FLAGS_OFFSET,
  IPV4_FRAGMENT_OFFSET,
  IPV4_HEADER_WORDS,
  IPV4_MIN_LENGTH,
  IPV4_PROTOCOL,
} from "../../../packet/headers/ipv4.js";
import {
  AUTHENTICATION,
  EXTENSION_HEADER_NUMBERS,
  EXTENSION_MIN_LENGTH,
  FRAGMENT,
  FRAGMENT_FLAGS_OFFSET,
  FRAGMENT_LENGTH,
  IPV6_FRAGMENT_OFFSET,
  IPV6_LENGTH,
  IPV6_NEXT_HEADER,
  MAX_EXTENSION_HEADERS,
} from "../../../packet/headers/ipv6.js";
import {
  DESTINATION_PORT,
  IPPROTO_TCP,
  PORTS_LENGTH,
  PROTOCOLS_WITH_PORTS,
  TCP_DATA_OFFSET,
  TCP_FLAGS_END,
} from "../../../packet/headers/transport.js";
import type { Assembler, Label, Place } from "./assembler.js";
import type { FamilyPlan } from "./filter-plan.js";
import { NO_PORT, PROTOCOL_UNKNOWN, swap16 } from "./match/tables.js";
import { emitForget, emitLoadAt, emitLoadBytes, OFFSET_MASK } from "./packet-loads.js";
import { behind, header, LATER_FRAGMENT, SCRATCH, TCP_FLAGS_WORD, TCP_HEADER } from "./stack.js";

// Follows the same rules as packet/layers.ts, in the same order.

/** End, offset and number of the current header. */
const CURRENT_HEADER = [
  ["r7", OFFSET_MASK],
  ["r8", OFFSET_MASK],
  ["r9", 0xff],
] as const;
/** Masks for ports or {@link NO_PORT}, and for the protocol or {@link PROTOCOL_UNKNOWN}. */
const PORT_MASK = 2 * NO_PORT - 1;
const PROTOCOL_MASK = 2 * PROTOCOL_UNKNOWN - 1;
/** The flags and the data offset of a TCP header. */
const FLAGS_MASK = 0xffff;
const NO_FLAGS = 0;

/**
 * Parses the loaded IP header: the protocol into r9 (or {@link PROTOCOL_UNKNOWN}), the source port into r8 and the
 * destination port into r7, in network order (or {@link NO_PORT}), if the filters need them. Also the flags of a TCP header
 * into r5, in network order: none for other packets and later fragments; for a truncated header all if there is an exit for
 * unknown protocols, otherwise none.
 *
 * @param miss Where to continue without a valid IP header.
 * @param unknown Where to continue if the protocol is unknown, instead of with {@link PROTOCOL_UNKNOWN}.
 */
export function emitTransport(asm: Assembler, plan: FamilyPlan, miss: Label, unknown?: Label): void {
  if (plan.family === 4) emitIpv4(asm, plan, miss, unknown);
  else emitIpv6(asm, plan, miss, unknown);
  const { needsPorts, needsProtocol, needsFlags } = plan;
  if (needsFlags) {
    asm.load("r5", 16, TCP_FLAGS_WORD);
    emitForget(asm, [["r5", FLAGS_MASK]]);
  }
  if (needsPorts) {
    emitForget(asm, [
      ["r7", PORT_MASK],
      ["r8", PORT_MASK],
    ]);
  }
  if (needsProtocol) emitForget(asm, [["r9", PROTOCOL_MASK]]);
}

function emitIpv4(
  asm: Assembler,
  { needsProtocol, needsPorts, needsFlags }: FamilyPlan,
  miss: Label,
  unknownExit: Label | undefined,
): void {
  asm.alu("r0", "=", "r7");
  asm.alu("r0", "-=", "r8");
  asm.jumpIf("r0", "<", IPV4_MIN_LENGTH, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r2", "=", "r1");
  asm.alu("r2", ">>=", 4);
  asm.jumpIf("r2", "!=", 4, miss);
  asm.alu("r1", "&=", IPV4_HEADER_WORDS);
  asm.alu("r1", "<<=", 2);
  asm.jumpIf("r1", "<", IPV4_MIN_LENGTH, miss);
  asm.jumpIf("r1", ">", "r0", miss);
  asm.load("r9", 8, header(IPV4_PROTOCOL));
  if (!needsProtocol) return;
  const none = asm.label("no IPv4 ports");
  const done = asm.label("IPv4 done");
  const unknown = unknownExit ?? asm.label("protocol after AH unknown");
  const chain = asm.label("AH");
  const truncated = unknownExit === undefined ? NO_FLAGS : FLAGS_MASK;
  if (needsFlags) asm.store(TCP_FLAGS_WORD, 16, NO_FLAGS);
  asm.load("r2", 16, header(IPV4_FLAGS_OFFSET));
  asm.jumpIf("r2", "&", swap16(IPV4_FRAGMENT_OFFSET), needsPorts ? none : done);
  asm.alu("r8", "+=", "r1");
  asm.jumpIf("r9", "==", AUTHENTICATION, chain);
  const walked = { none, done };
  if (needsFlags) emitFlags4(asm, truncated);
  if (needsPorts) {
    const isAt = (at: Label) => asm.jumpIf("r1", "==", IPV4_MIN_LENGTH, at);
    emitPorts(asm, header(IPV4_MIN_LENGTH), { isAt, ...walked });
  } else asm.jump(done);
  asm.place(chain);
  emitExtensions(asm, [AUTHENTICATION], unknown, () => {
    if (needsFlags) emitFlags(asm, truncated);
    if (needsPorts) emitPorts(asm, undefined, walked);
    else asm.jump(done);
  });
  if (unknownExit === undefined) {
    asm.place(unknown);
    asm.alu("r9", "=", PROTOCOL_UNKNOWN);
  }
  if (needsPorts) emitNoPorts(asm, none);
  asm.place(done);
}

function emitIpv6(
  asm: Assembler,
  { needsProtocol, needsPorts, needsFlags }: FamilyPlan,
  miss: Label,
  unknownExit: Label | undefined,
): void {
  asm.alu("r0", "=", "r7");
  asm.alu("r0", "-=", "r8");
  asm.jumpIf("r0", "<", IPV6_LENGTH, miss);
  asm.load("r1", 8, header(0));
  asm.alu("r1", ">>=", 4);
  asm.jumpIf("r1", "!=", 6, miss);
  if (!needsProtocol) return;
  const none = asm.label("no IPv6 ports");
  const done = asm.label("IPv6 done");
  const unknown = unknownExit ?? asm.label("protocol unknown");
  const chain = asm.label("extension headers");
  const truncated = unknownExit === undefined ? NO_FLAGS : FLAGS_MASK;
  if (needsFlags) asm.store(TCP_FLAGS_WORD, 16, NO_FLAGS);
  asm.load("r9", 8, header(IPV6_NEXT_HEADER));
  asm.alu("r8", "+=", IPV6_LENGTH);
  for (const number of EXTENSION_HEADER_NUMBERS) asm.jumpIf("r9", "==", number, chain);
  const walked = { none, done };
  if (needsFlags) emitFlags(asm, truncated);
  if (needsPorts) emitPorts(asm, header(IPV6_LENGTH), { isAt: (at) => asm.jump(at), ...walked });
  else asm.jump(done);
  asm.place(chain);
  emitExtensions(asm, EXTENSION_HEADER_NUMBERS, unknown, () => {
    if (needsPorts || needsFlags) {
      asm.load("r1", 32, LATER_FRAGMENT);
      asm.jumpIf("r1", "!=", 0, needsPorts ? none : done);
    }
    if (needsFlags) emitFlags(asm, truncated);
    if (needsPorts) emitPorts(asm, undefined, walked);
    else asm.jump(done);
  });
  if (unknownExit === undefined) {
    asm.place(unknown);
    asm.alu("r9", "=", PROTOCOL_UNKNOWN);
  }
  if (needsPorts) emitNoPorts(asm, none);
  asm.place(done);
}

/** Walks from header r9 at r8 to the first header that is not one of `numbers`, then continues with `after`. */
function emitExtensions(asm: Assembler, numbers: readonly number[], unknown: Label, after: () => void): void {
  const end = asm.label("end of extension headers");
  asm.store(LATER_FRAGMENT, 32, 0);
  for (let walked = 0; walked <= MAX_EXTENSION_HEADERS; walked++) {
    const walk = asm.label(`extension header ${walked}`);
    if (walked > 0) {
      for (const number of numbers) asm.jumpIf("r9", "==", number, walk);
      asm.jump(end);
    }
    asm.place(walk);
    if (walked === MAX_EXTENSION_HEADERS) {
      asm.jump(unknown);
      break;
    }
    emitForget(asm, CURRENT_HEADER);
    emitExtension(asm, unknown);
  }
  asm.place(end);
  emitForget(asm, CURRENT_HEADER);
  after();
}

/** Parses an extension header. All of them have at least 8 bytes, so the length is checked once. */
function emitExtension(asm: Assembler, unknown: Label): void {
  const authentication = asm.label("authentication header");
  const fragment = asm.label("fragment header");
  const first = asm.label("first fragment");
  const next = asm.label("next header");
  asm.alu("r1", "=", "r8");
  asm.alu("r1", "+=", EXTENSION_MIN_LENGTH);
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
  asm.load("r2", 16, behind(SCRATCH, FRAGMENT_FLAGS_OFFSET));
  asm.alu("r2", "&=", swap16(IPV6_FRAGMENT_OFFSET));
  asm.jumpIf("r2", "==", 0, first);
  asm.store(LATER_FRAGMENT, 32, 1);
  asm.place(first);
  asm.place(next);
  asm.alu("r8", "+=", "r1");
  asm.jumpIf("r8", ">", "r7", unknown);
  asm.load("r9", 8, SCRATCH);
}

/** {@link emitFlags} after an IPv4 header of the length in r1, which it keeps. */
function emitFlags4(asm: Assembler, truncated: number): void {
  const elsewhere = asm.label("flags to load");
  const done = asm.label("IPv4 flags");
  asm.jumpIf("r1", "!=", IPV4_MIN_LENGTH, elsewhere);
  asm.jumpIf("r9", "!=", IPPROTO_TCP, done);
  asm.alu("r2", "=", "r8");
  asm.alu("r2", "+=", TCP_FLAGS_END);
  asm.jumpIf("r2", ">", "r7", elsewhere);
  asm.load("r2", 16, header(IPV4_MIN_LENGTH + TCP_DATA_OFFSET));
  asm.store(TCP_FLAGS_WORD, 16, "r2");
  asm.jump(done);
  asm.place(elsewhere);
  emitFlags(asm, truncated);
  asm.load("r1", 8, header(0));
  asm.alu("r1", "&=", IPV4_HEADER_WORDS);
  asm.alu("r1", "<<=", 2);
  asm.place(done);
}

/** Loads the flags of the header at r8 if the protocol in r9 is TCP; if the header is truncated, the flags `truncated`. */
function emitFlags(asm: Assembler, truncated: number): void {
  const cut = asm.label("TCP header truncated");
  const done = asm.label("flags");
  asm.jumpIf("r9", "!=", IPPROTO_TCP, done);
  emitLoadAt(asm, TCP_HEADER, TCP_FLAGS_END, cut);
  asm.jump(done);
  asm.place(cut);
  asm.store(TCP_FLAGS_WORD, 16, truncated);
  asm.place(done);
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
  asm.alu("r2", "+=", PORTS_LENGTH);
  asm.jumpIf("r2", ">", "r7", none);
  const at = asm.label("ports are loaded");
  if (loaded !== undefined) isAt?.(at);
  asm.alu("r4", "=", PORTS_LENGTH);
  emitLoadBytes(asm, SCRATCH, "r8", none);
  asm.load("r8", 16, SCRATCH);
  asm.load("r7", 16, behind(SCRATCH, DESTINATION_PORT));
  asm.jump(done);
  if (loaded === undefined) return;
  asm.place(at);
  asm.load("r8", 16, loaded);
  asm.load("r7", 16, behind(loaded, DESTINATION_PORT));
  asm.jump(done);
}

function emitNoPorts(asm: Assembler, none: Label): void {
  asm.place(none);
  asm.alu("r8", "=", NO_PORT);
  asm.alu("r7", "=", NO_PORT);
}
