import { BPF_INSTRUCTION_LENGTH } from "../../packet/filter/bpf.js";
import { LITTLE_ENDIAN } from "../native/endianness.js";

// struct bpf_insn { code: 16 bits; jt, jf: 8 bits; k: 32 bits }, in the byte order of the machine
const CODE = 0;
const K = 4;
/** `BPF_RET | BPF_K`: accept the first k bytes; 0 rejects the packet. */
const RETURN_CONSTANT = 0x06;
/** `BPF_JMP | BPF_JA`: skip k instructions. */
const JUMP = 0x05;

/**
 * Chains two classic BPF programs: where the first accepts a packet, the second begins. The texts cannot be joined with
 * "and", because the keyword `vlan` in one changes the offsets of everything that follows.
 */
export function chainPrograms(first: Uint8Array, second: Uint8Array): Uint8Array {
  const chained = new Uint8Array(first.length + second.length);
  chained.set(first);
  chained.set(second, first.length);
  const view = new DataView(chained.buffer);
  for (let offset = 0; offset < first.length; offset += BPF_INSTRUCTION_LENGTH) {
    const accepts =
      view.getUint16(offset + CODE, LITTLE_ENDIAN) === RETURN_CONSTANT &&
      view.getUint32(offset + K, LITTLE_ENDIAN) !== 0;
    if (!accepts) continue;
    view.setUint16(offset + CODE, JUMP, LITTLE_ENDIAN);
    view.setUint32(offset + K, (first.length - offset) / BPF_INSTRUCTION_LENGTH - 1, LITTLE_ENDIAN);
  }
  return chained;
}
