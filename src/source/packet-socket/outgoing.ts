// Classic BPF instructions: code (16 bits), jt, jf (8 bits each), k (32 bits), little endian
/** `BPF_LD | BPF_W | BPF_ABS` */
const LOAD_WORD = 0x20;
/** `SKF_AD_OFF + SKF_AD_PKTTYPE` in linux/filter.h: the kernel's type of the packet. */
const PACKET_TYPE = 0xfffff004;
/** `BPF_JMP | BPF_JEQ | BPF_K` */
const JUMP_IF_EQUAL = 0x15;
/** `PACKET_OUTGOING` in linux/if_packet.h */
const OUTGOING = 4;
/** `BPF_RET | BPF_K` */
const RETURN = 0x06;
const ACCEPT = 0xffffffff;
const REJECT = 0;

/**
 * A classic BPF program for the kernel that accepts either sent packets or all others, as `pcap_setdirection` does in the
 * process.
 */
export function selectOutgoing(accepted: boolean): Uint8Array {
  return encode([
    [LOAD_WORD, 0, 0, PACKET_TYPE],
    [JUMP_IF_EQUAL, 0, 1, OUTGOING],
    [RETURN, 0, 0, accepted ? ACCEPT : REJECT],
    [RETURN, 0, 0, accepted ? REJECT : ACCEPT],
  ]);
}

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length);
  const view = new DataView(bytes.buffer);
  for (const [index, [code, jumpTrue, jumpFalse, k]] of instructions.entries()) {
    view.setUint16(8 * index, code, true);
    bytes[8 * index + 2] = jumpTrue;
    bytes[8 * index + 3] = jumpFalse;
    view.setUint32(8 * index + 4, k, true);
  }
  return bytes;
}
