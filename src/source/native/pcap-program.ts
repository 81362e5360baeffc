import { BPF_INSTRUCTION_LENGTH } from "../../packet/filter/bpf.js";
import { LITTLE_ENDIAN } from "./endianness.js";
import type { Koffi } from "./koffi.js";
import type { Libpcap, Pointer } from "./libpcap.js";

/** `PCAP_NETMASK_UNKNOWN` */
const UNKNOWN_NETMASK = 0xffffffff;
/** Maximum size of `struct bpf_program`: a 32-bit count and an aligned pointer. */
const PROGRAM_LENGTH = 16;

/**
 * pcap-filter text whose cost the caller has limited: libpcap itself would crash or block (see
 * libpcap/expression-cost.ts).
 */
export interface BoundedText {
  readonly text: string;
  /** Whether to run libpcap's optimizer, which takes cubic time. */
  readonly optimize: boolean;
}

/**
 * Compiles pcap-filter text for a handle to classic BPF instructions.
 *
 * @throws Error with libpcap's message.
 */
export function compileText(
  koffi: Koffi,
  libpcap: Libpcap,
  pcap: Pointer,
  { text, optimize }: BoundedText,
): Uint8Array {
  // C ends a string at the first NUL.
  if (text.includes("\0")) throw new Error("the text contains a 0 character");
  const program = new Uint8Array(PROGRAM_LENGTH);
  if (libpcap.compile(pcap, program, text, optimize ? 1 : 0, UNKNOWN_NETMASK) !== 0) {
    throw new Error(libpcap.geterr(pcap));
  }
  try {
    return copyProgram(koffi, program);
  } finally {
    libpcap.freecode(program);
  }
}

function copyProgram(koffi: Koffi, program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer);
  const count = view.getUint32(0, LITTLE_ENDIAN);
  const address = isWide(koffi)
    ? view.getBigUint64(8, LITTLE_ENDIAN)
    : BigInt(view.getUint32(4, LITTLE_ENDIAN));
  return new Uint8Array(koffi.view(address, count * BPF_INSTRUCTION_LENGTH)).slice();
}

/** Keeps buffers alive while C uses their addresses. */
const held: Uint8Array[] = [];

/**
 * Compiles pcap-filter text for packets of a link type, without a device.
 *
 * @param linkType Memory link type; a few link types have other numbers in files.
 * @throws Error with libpcap's message.
 */
export function compileTextFor(
  koffi: Koffi,
  libpcap: Libpcap,
  linkType: number,
  snapLength: number,
  text: BoundedText,
): Uint8Array {
  const pcap = libpcap.open_dead(linkType, snapLength);
  if (pcap === null) throw new Error("there is no memory for libpcap's compiler");
  try {
    return compileText(koffi, libpcap, pcap, text);
  } finally {
    libpcap.close(pcap);
  }
}

/** Sets a filter in the kernel, or in libpcap if the kernel rejects it. The instructions are copied. */
export function setProgram(koffi: Koffi, libpcap: Libpcap, pcap: Pointer, instructions: Uint8Array): number {
  if (instructions.length === 0) throw new TypeError("a program has instructions");
  held.push(instructions);
  const program = new Uint8Array(PROGRAM_LENGTH);
  const view = new DataView(program.buffer);
  view.setUint32(0, instructions.length / BPF_INSTRUCTION_LENGTH, LITTLE_ENDIAN);
  const address = koffi.address(instructions);
  if (isWide(koffi)) view.setBigUint64(8, address, LITTLE_ENDIAN);
  else view.setUint32(4, Number(address), LITTLE_ENDIAN);
  const result = libpcap.setfilter(pcap, program);
  held.length = 0;
  return result;
}

function isWide(koffi: Koffi): boolean {
  return koffi.sizeof("void*") === 8;
}
