import {
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  INTERFACE_STATISTICS,
  NAME_RESOLUTION,
  OPT_COMMENT,
  OPT_CUSTOM_BYTES,
  OPT_CUSTOM_STRING,
  SECTION_HEADER,
} from "../format.js";

/**
 * The lengths in bytes of the numbers at the start of an option's value. Bytes after them do not depend on the byte
 * order. A number that does not fit the value is not read.
 */
type Layout = readonly number[];

const BYTES: Layout = [];
const UINT32: Layout = [4];
const UINT64: Layout = [8];
/** A timestamp is two words, the higher one first. */
const TIMESTAMP: Layout = [4, 4];

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-04.html#section-3.5: options of all blocks. */
const COMMON: readonly (readonly [code: number, layout: Layout])[] = [
  [OPT_COMMENT, BYTES],
  [OPT_CUSTOM_STRING, UINT32],
  [OPT_CUSTOM_BYTES, UINT32],
];

/** The options of each block in the draft, besides those of all blocks. */
const LAYOUTS: ReadonlyMap<number, ReadonlyMap<number, Layout>> = new Map([
  [
    SECTION_HEADER,
    new Map([
      ...COMMON,
      [2, BYTES], // shb_hardware
      [3, BYTES], // shb_os
      [4, BYTES], // shb_userappl
    ]),
  ],
  [
    INTERFACE_DESCRIPTION,
    new Map([
      ...COMMON,
      [2, BYTES], // if_name
      [3, BYTES], // if_description
      [4, BYTES], // if_IPv4addr
      [5, BYTES], // if_IPv6addr
      [6, BYTES], // if_MACaddr
      [7, BYTES], // if_EUIaddr
      [8, UINT64], // if_speed
      [9, BYTES], // if_tsresol
      [10, UINT32], // if_tzone
      [11, BYTES], // if_filter
      [12, BYTES], // if_os
      [13, BYTES], // if_fcslen
      [14, UINT64], // if_tsoffset
      [15, BYTES], // if_hardware
      [16, UINT64], // if_txspeed
      [17, UINT64], // if_rxspeed
      [18, BYTES], // if_iana_tzname
    ]),
  ],
  [
    ENHANCED_PACKET,
    new Map([
      ...COMMON,
      [2, UINT32], // epb_flags
      [3, BYTES], // epb_hash
      [4, UINT64], // epb_dropcount
      [5, UINT64], // epb_packetid
      [6, UINT32], // epb_queue
      [7, BYTES], // epb_verdict
      [8, [4, 4]], // epb_processid_threadid
    ]),
  ],
  [
    INTERFACE_STATISTICS,
    new Map([
      ...COMMON,
      [2, TIMESTAMP], // isb_starttime
      [3, TIMESTAMP], // isb_endtime
      [4, UINT64], // isb_ifrecv
      [5, UINT64], // isb_ifdrop
      [6, UINT64], // isb_filteraccept
      [7, UINT64], // isb_osdrop
      [8, UINT64], // isb_usrdeliv
    ]),
  ],
  [
    NAME_RESOLUTION,
    new Map([
      ...COMMON,
      [2, BYTES], // ns_dnsname
      [3, BYTES], // ns_dnsIP4addr
      [4, BYTES], // ns_dnsIP6addr
    ]),
  ],
]);

const COMMON_LAYOUTS: ReadonlyMap<number, Layout> = new Map(COMMON);

const IF_FILTER = 11;
const BPF_PROGRAM = 1;
/** An instruction of a BPF program: code, two jumps, value. */
const BPF_INSTRUCTION: Layout = [2, 1, 1, 4];
const EPB_VERDICT = 7;
/** A verdict of an eBPF program of tc or XDP is a 64-bit number. */
const LINUX_EBPF_TC = 1;
const LINUX_EBPF_XDP = 2;

/**
 * Converts the numbers of an option's value between the byte orders, in place.
 *
 * @returns False if the layout of the option is unknown, so that it cannot be converted.
 */
export function swapOption(blockType: number, code: number, value: Uint8Array): boolean {
  const layout = (LAYOUTS.get(blockType) ?? COMMON_LAYOUTS).get(code);
  if (layout === undefined) return false;
  const kind = value[0];
  if (blockType === INTERFACE_DESCRIPTION && code === IF_FILTER && kind === BPF_PROGRAM) {
    for (let at = 1; at < value.length; at += 8) swapNumbers(value, at, BPF_INSTRUCTION);
  } else if (
    blockType === ENHANCED_PACKET &&
    code === EPB_VERDICT &&
    (kind === LINUX_EBPF_TC || kind === LINUX_EBPF_XDP)
  ) {
    swapNumbers(value, 1, UINT64);
  } else {
    swapNumbers(value, 0, layout);
  }
  return true;
}

function swapNumbers(value: Uint8Array, start: number, lengths: Layout): void {
  let at = start;
  for (const length of lengths) {
    if (at + length > value.length) return;
    value.subarray(at, at + length).reverse();
    at += length;
  }
}
