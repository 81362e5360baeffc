import { FlowscribeError } from "../../errors.js";
import { RECORD_HEADER_LENGTH, RECORD_ORIGINAL_LENGTH } from "../../packet/batch.js";
import { type BpfPredicate, loadBpf } from "../../packet/bpf.js";
import type { PacketPredicate } from "../../packet/filter.js";
import { DLT_RAW, LINKTYPE_RAW, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import { LITTLE_ENDIAN } from "../native/endianness.js";
import { loadKoffi } from "../native/koffi.js";
import { loadLibpcap } from "../native/libpcap.js";
import { compileTextFor } from "../native/pcap-program.js";

/**
 * pcap-filter text (`man pcap-filter`) as a predicate over packets that are there already, by the compiler of the system's
 * libpcap; for `keep` of flowscribe/packet. For each link type the text is compiled when its first packet comes;
 * `linkTypes` are those that are known before, so that a fault in the text is told at once.
 *
 * The predicate looks at the 16 bytes of record header before the packet, for its length on the wire: it takes packets where they
 * are in a batch. It needs no rights.
 *
 * @throws FlowscribeError `invalid_expression` with libpcap's words, also from the predicate for a link type not told before;
 *   `capture_unavailable` without koffi or libpcap.
 */
export async function compileExpression(
  text: string,
  linkTypes: Iterable<number> = [],
): Promise<PacketPredicate> {
  const koffi = await loadKoffi();
  const libpcap = loadLibpcap(koffi);
  const programs = new Map<number, BpfPredicate>();
  function programOf(linkType: number): BpfPredicate {
    const known = programs.get(linkType);
    if (known !== undefined) return known;
    const program = loadBpf(compile(linkType), LITTLE_ENDIAN);
    programs.set(linkType, program);
    return program;
  }
  function compile(linkType: number): Uint8Array {
    try {
      const inMemory = linkType === LINKTYPE_RAW ? DLT_RAW : linkType;
      return compileTextFor(koffi, libpcap, inMemory, MAX_CAPTURED_LENGTH, text);
    } catch (cause) {
      const fault = cause instanceof Error ? cause.message : String(cause);
      throw new FlowscribeError("invalid_expression", `${JSON.stringify(text)} is no filter: ${fault}`, {
        cause,
      });
    }
  }
  for (const linkType of linkTypes) programOf(linkType);
  return (bytes, start, end, linkType) =>
    programOf(linkType)(bytes, start, end, originalLength(bytes, start - RECORD_HEADER_LENGTH));
}

function originalLength(bytes: Uint8Array, record: number): number {
  const at = record + RECORD_ORIGINAL_LENGTH;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
