import { FlowscribeError } from "../../errors.js";
import { RECORD_HEADER_LENGTH, RECORD_ORIGINAL_LENGTH } from "../../packet/batch.js";
import type { PacketPredicate } from "../../packet/filter.js";
import { DLT_RAW, LINKTYPE_RAW, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import { LITTLE_ENDIAN } from "../../source/native/endianness.js";
import { type Koffi, loadKoffi, loadLibrary } from "../../source/native/koffi.js";
import { type BpfPredicate, INSTRUCTION_LENGTH, loadBpf } from "./bpf.js";

/** What the system's libpcap is called, with the advice for where there is none. */
const LIBRARIES = [
  "libpcap.so.1",
  "libpcap.so.0.8",
  "libpcap.so",
  "libpcap.A.dylib",
  "/usr/lib/libpcap.A.dylib",
  "wpcap.dll",
];
const UNKNOWN_NETMASK = 0xffff_ffff;

/**
 * pcap-filter text as a predicate over packets that are there already, by the compiler of the system's libpcap. For each link
 * type the text is compiled when its first packet comes; `linkTypes` are those that are known before, so that a fault in
 * the text is told before anything is written.
 *
 * The predicate looks at the record header before the packet, for its length on the wire.
 *
 * @throws FlowscribeError `invalid_expression` with libpcap's words, also from the predicate; `capture_unavailable` without
 *   koffi or libpcap.
 */
export async function compileExpression(text: string, linkTypes: Iterable<number>): Promise<PacketPredicate> {
  const compile = bindCompiler(await findKoffi());
  const programs = new Map<number, BpfPredicate>();
  function programOf(linkType: number): BpfPredicate {
    const known = programs.get(linkType);
    if (known !== undefined) return known;
    const program = loadBpf(compile(text, linkType), LITTLE_ENDIAN);
    programs.set(linkType, program);
    return program;
  }
  for (const linkType of linkTypes) programOf(linkType);
  return (bytes, start, end, linkType) =>
    programOf(linkType)(bytes, start, end, originalLength(bytes, start - RECORD_HEADER_LENGTH));
}

function originalLength(bytes: Uint8Array, record: number): number {
  const at = record + RECORD_ORIGINAL_LENGTH;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

async function findKoffi(): Promise<Koffi> {
  try {
    return await loadKoffi();
  } catch (cause) {
    const text = cause instanceof Error ? cause.message.replace("live capture", "--expression") : "";
    throw new FlowscribeError("capture_unavailable", text, { cause });
  }
}

type CompileText = (text: string, linkType: number) => Uint8Array;

/** The prototypes are those of pcap/pcap.h; a wrong one is a crash. */
function bindCompiler(koffi: Koffi): CompileText {
  const library = loadLibrary(koffi, LIBRARIES);
  if (library === undefined) {
    throw new FlowscribeError(
      "capture_unavailable",
      "--expression is compiled by libpcap, which is not installed: the package libpcap0.8 (Debian, Ubuntu), libpcap (elsewhere) or Npcap (Windows)",
    );
  }
  // What `func` returns is what its prototype says, which no type can tell.
  const openDead = library.func("void* pcap_open_dead(int, int)") as (type: number, snap: number) => bigint;
  const compile = library.func("int pcap_compile(void*, void*, const char*, int, uint32_t)") as (
    handle: bigint,
    program: Uint8Array,
    text: string,
    optimize: number,
    netmask: number,
  ) => number;
  const errorText = library.func("const char* pcap_geterr(void*)") as (handle: bigint) => string;
  const freeCode = library.func("void pcap_freecode(void*)") as (program: Uint8Array) => void;
  const close = library.func("void pcap_close(void*)") as (handle: bigint) => void;
  const isWide = koffi.sizeof("void*") === 8;

  return (text, linkType) => {
    const handle = openDead(linkType === LINKTYPE_RAW ? DLT_RAW : linkType, MAX_CAPTURED_LENGTH);
    try {
      // `struct bpf_program`: a count of 32 bits, and a pointer where pointers go.
      const program = new Uint8Array(16);
      // C would take the text to end at its first 0.
      const fault = text.includes("\0")
        ? "the text contains a 0 character"
        : compile(handle, program, text, 1, UNKNOWN_NETMASK) === 0
          ? undefined
          : errorText(handle);
      if (fault !== undefined) {
        throw new FlowscribeError("invalid_expression", `${JSON.stringify(text)} is no filter: ${fault}`);
      }
      const view = new DataView(program.buffer);
      const count = view.getUint32(0, LITTLE_ENDIAN);
      const address = isWide ? view.getBigUint64(8, LITTLE_ENDIAN) : BigInt(view.getUint32(4, LITTLE_ENDIAN));
      const copy = new Uint8Array(koffi.view(address, count * INSTRUCTION_LENGTH)).slice();
      freeCode(program);
      return copy;
    } finally {
      close(handle);
    }
  };
}
