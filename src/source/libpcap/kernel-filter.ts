import { BPF_INSTRUCTION_LENGTH } from "../../packet/bpf.js";
import { LITTLE_ENDIAN } from "../native/endianness.js";

// struct bpf_insn { code: 16 bits; jt, jf: 8 bits; k: 32 bits }, in the byte order of the machine
const CODE = 0;
const K = 4;
/** `BPF_RET | BPF_K`: accept the first k bytes, none meaning no match. */
const RETURN_CONSTANT = 0x06;
/** `BPF_JMP | BPF_JA`: skip k instructions. */
const JUMP = 0x05;

/**
 * One program of classic BPF that matches what both match: where the first accepts, the second begins. Texts could not be
 * joined by "and", as the word `vlan` in one moves the offsets of all that follows it.
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
