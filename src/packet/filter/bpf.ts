/**
 * Length in bytes of a classic BPF instruction, `struct bpf_insn`: code (16 bits), jt, jf (8 bits each), k (32 bits).
 */
export const BPF_INSTRUCTION_LENGTH = 8;

/** Whether the packet in `bytes` from `start` to `end`, `wireLength` bytes long on the wire, matches; never throws. */
export type BpfPredicate = (bytes: Uint8Array, start: number, end: number, wireLength: number) => boolean;

const SCRATCH_WORDS = 16;
const MAX_INSTRUCTIONS = 0xffff;

// Instruction classes, the lowest three bits of a code.
const LD = 0;
const LDX = 1;
const ST = 2;
const STX = 3;
const ALU = 4;
const JMP = 5;
const RET = 6;

// Addressing modes of loads (the upper three bits of a code), and operand sizes (the two bits below).
const IMMEDIATE = 0;
const ABSOLUTE = 1;
const INDIRECT = 2;
const MEMORY = 3;
const LENGTH = 4;
const HEADER_LENGTH = 5;
const WORD = 0;
const HALF = 1;

// Operations of ALU and JMP, the upper four bits of a code.
const [ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const [JA, JEQ, JGT, JGE, JSET] = [0, 1, 2, 3, 4];

/**
 * Compiles a classic BPF program (https://www.tcpdump.org/papers/bpf-usenix93.pdf) into a predicate over captured
 * packets; for live captures the kernel runs the program itself. libpcap writes programs in the byte order of the
 * machine.
 *
 * Accepts backward jumps, as libpcap does (pcap/bpf_filter.c) and the kernel does not: `protochain` compiles to a loop
 * over the extension headers of a packet, at least 8 bytes each. A packet too short for the iterations that the loop
 * takes does not match.
 *
 * Accepts division by zero and reads of uninitialized scratch memory, which the kernel rejects where it detects them:
 * the former does not match, the latter reads 0.
 *
 * @throws RangeError if the program is empty or longer than 65,535 instructions, contains an invalid instruction, jumps
 *   out of itself, or does not end with a return.
 */
export function loadBpf(program: Uint8Array, littleEndian: boolean): BpfPredicate {
  const count = program.length / BPF_INSTRUCTION_LENGTH;
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const codes = new Uint16Array(count);
  const ifTrue = new Uint8Array(count);
  const ifFalse = new Uint8Array(count);
  const constants = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const at = index * BPF_INSTRUCTION_LENGTH;
    codes[index] = view.getUint16(at, littleEndian);
    ifTrue[index] = view.getUint8(at + 2);
    ifFalse[index] = view.getUint8(at + 3);
    constants[index] = view.getUint32(at + 4, littleEndian);
  }
  check(codes, ifTrue, ifFalse, constants);
  const scratch = new Uint32Array(SCRATCH_WORDS);
  const loops = codes.filter((code, index) => isBackward(code, constants[index]!)).length;

  /** The length of the packet bounds the number of backward jumps, so that the program always terminates. */
  return (bytes, start, end, wireLength) => {
    let a = 0;
    let x = 0;
    let jumpsBack = loops === 0 ? 0 : loops * (((end - start) >> 3) + 1);
    scratch.fill(0);
    for (let pc = 0; ; pc++) {
      const code = codes[pc]!;
      const k = constants[pc]!;
      switch (code & 7) {
        case LD: {
          const mode = code >> 5;
          if (mode === ABSOLUTE || mode === INDIRECT) {
            const at = start + (mode === INDIRECT ? k + x : k);
            const size = (code >> 3) & 3;
            const width = size === WORD ? 4 : size === HALF ? 2 : 1;
            // A load outside the captured bytes rejects the packet.
            if (at + width > end) return false;
            a = bytes[at]!;
            if (size !== 2) a = (a << 8) | bytes[at + 1]!;
            if (size === WORD) a = ((a << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
          } else if (mode === IMMEDIATE) a = k;
          else if (mode === MEMORY) a = scratch[k]!;
          else a = wireLength;
          break;
        }
        case LDX: {
          const mode = code >> 5;
          if (mode === HEADER_LENGTH) {
            if (start + k >= end) return false;
            x = (bytes[start + k]! & 0x0f) << 2;
          } else if (mode === IMMEDIATE) x = k;
          else if (mode === MEMORY) x = scratch[k]!;
          else x = wireLength;
          break;
        }
        case ST:
          scratch[k] = a;
          break;
        case STX:
          scratch[k] = x;
          break;
        case ALU: {
          const operation = code >> 4;
          const operand = (code & 8) !== 0 ? x : k;
          if ((operation === DIV || operation === MOD) && operand === 0) return false;
          a = calculate(operation, a, operand);
          break;
        }
        case JMP: {
          const operation = code >> 4;
          if (operation === JA) {
            pc += k | 0;
            if ((k | 0) < 0 && --jumpsBack < 0) return false;
          } else pc += holds(operation, a, (code & 8) !== 0 ? x : k) ? ifTrue[pc]! : ifFalse[pc]!;
          break;
        }
        case RET:
          return ((code & 0x18) === 0x10 ? a : k) !== 0;
        default:
          if ((code & 0x80) === 0) x = a;
          else a = x;
      }
    }
  };
}

function calculate(operation: number, a: number, operand: number): number {
  switch (operation) {
    case ADD:
      return (a + operand) >>> 0;
    case SUB:
      return (a - operand) >>> 0;
    case MUL:
      return Math.imul(a, operand) >>> 0;
    case DIV:
      return Math.floor(a / operand);
    case OR:
      return (a | operand) >>> 0;
    case AND:
      return (a & operand) >>> 0;
    case LSH:
      return operand < 32 ? (a << operand) >>> 0 : 0;
    case RSH:
      return operand < 32 ? a >>> operand : 0;
    case NEG:
      return -a >>> 0;
    case MOD:
      return a % operand;
    default:
      return (a ^ operand) >>> 0;
  }
}

function holds(operation: number, a: number, operand: number): boolean {
  switch (operation) {
    case JEQ:
      return a === operand;
    case JGT:
      return a > operand;
    case JGE:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}

function check(codes: Uint16Array, ifTrue: Uint8Array, ifFalse: Uint8Array, constants: Uint32Array): void {
  const { length } = codes;
  if (!Number.isInteger(length) || length === 0 || length > MAX_INSTRUCTIONS) {
    throw new RangeError(`a program of ${length} instructions`);
  }
  for (let index = 0; index < length; index++) {
    const code = codes[index]!;
    const k = constants[index]!;
    if (!isInstruction(code, k)) throw new RangeError(`invalid instruction ${index}: 0x${code.toString(16)}`);
    const isJump = (code & 7) === JMP;
    const isBack = isBackward(code, k);
    if (isBack && index + 1 + (k | 0) < 0)
      throw new RangeError(`instruction ${index} leads out of the program`);
    const farthest = !isJump || isBack ? 0 : code >> 4 === JA ? k : Math.max(ifTrue[index]!, ifFalse[index]!);
    const ends = (code & 7) === RET;
    if (!ends && index + 1 + farthest >= length) {
      throw new RangeError(`instruction ${index} leads out of the program`);
    }
  }
}

/** Whether an instruction is a jump with a negative offset. */
function isBackward(code: number, k: number): boolean {
  return (code & 7) === JMP && code >> 4 === JA && (k | 0) < 0;
}

function isInstruction(code: number, k: number): boolean {
  if (code > 0xff) return false;
  const mode = code >> 5;
  const size = (code >> 3) & 3;
  switch (code & 7) {
    case LD:
      if (mode === ABSOLUTE || mode === INDIRECT) return size < 3;
      if (size !== WORD) return false;
      return mode === IMMEDIATE || mode === LENGTH || (mode === MEMORY && k < SCRATCH_WORDS);
    case LDX:
      if (mode === HEADER_LENGTH) return size === 2;
      if (size !== WORD) return false;
      return mode === IMMEDIATE || mode === LENGTH || (mode === MEMORY && k < SCRATCH_WORDS);
    case ST:
    case STX:
      return (code & 0xf8) === 0 && k < SCRATCH_WORDS;
    case ALU:
      return code >> 4 <= XOR;
    case JMP:
      return code >> 4 <= JSET;
    case RET:
      return (code & 0xe0) === 0 && size !== 1;
    default:
      return (code & 0x78) === 0;
  }
}
