// The eBPF instruction set: https://www.rfc-editor.org/rfc/rfc9669. An instruction is 8 bytes: operation, two 4-bit
// registers, a signed 16-bit jump or memory offset, and a signed 32-bit immediate, encoded as little endian. Loading a
// program on a big-endian machine is not supported.

/**
 * r0 holds results, r1 to r5 arguments (clobbered by calls), r6 to r9 are preserved by calls, r10 is the frame pointer.
 */
export type Register = "r0" | "r1" | "r2" | "r3" | "r4" | "r5" | "r6" | "r7" | "r8" | "r9" | "r10";

/** A register, or a 32-bit constant that is sign-extended. */
export type Operand = Register | number;

/** Maps that a program refers to by name; their descriptors are inserted when it is loaded. */
export type MapName = "ring" | "wake" | "tables" | "addresses";

export type AluOperation = keyof typeof ALU;
export type Condition = keyof typeof CONDITIONS;
export type Width = keyof typeof SIZES;
export type Helper = keyof typeof HELPERS;

/** A decoded instruction; `target` is the index of a jump's target instruction. */
export interface Instruction {
  readonly operation: number;
  readonly destination: number;
  readonly source: number;
  readonly offset: number;
  readonly immediate: number;
  readonly target?: number;
  /** The map whose descriptor becomes the immediate of a {@link LOAD_64}. */
  readonly map?: MapName;
}

export const INSTRUCTION_BYTES = 8;

// RFC 9669, section 4.1
export const ALU = {
  "+=": 0x00,
  "-=": 0x10,
  "*=": 0x20,
  "/=": 0x30,
  "|=": 0x40,
  "&=": 0x50,
  "<<=": 0x60,
  ">>=": 0x70,
  "^=": 0xa0,
  "=": 0xb0,
  /** Arithmetic shift. */
  "s>>=": 0xc0,
} as const;

// Section 4.3, all unsigned; "&" is true if any bit is set in both operands
export const CONDITIONS = {
  "==": 0x10,
  ">": 0x20,
  ">=": 0x30,
  "&": 0x40,
  "!=": 0x50,
  "<": 0xa0,
  "<=": 0xb0,
} as const;

// Section 5
export const SIZES = { 8: 0x10, 16: 0x08, 32: 0x00, 64: 0x18 } as const;

/** Kernel helper functions by number: `enum bpf_func_id` in include/uapi/linux/bpf.h. */
export const HELPERS = {
  map_lookup_elem: 1,
  ktime_get_ns: 5,
  skb_load_bytes: 26,
  ringbuf_output: 130,
} as const;

// Classes and modes: sections 3.1 to 3.3 and 5
export const CLASS_LOAD = 0x61;
export const CLASS_STORE_CONSTANT = 0x62;
export const CLASS_STORE = 0x63;
export const CLASS_ATOMIC = 0xc3;
export const CLASS_ALU_32 = 0x04;
export const CLASS_JUMP = 0x05;
export const CLASS_JUMP_32 = 0x06;
export const CLASS_ALU_64 = 0x07;
export const FROM_REGISTER = 0x08;
export const FETCH_ADD = 0x01;
export const EXCHANGE = 0xe1;
export const TO_BIG_ENDIAN = 0xdc;
export const CALL = 0x85;
export const EXIT = 0x95;
/** Load of a 64-bit constant, in two instructions. */
export const LOAD_64 = 0x18;
/** Source register of {@link LOAD_64}: the immediate is a map descriptor. */
export const PSEUDO_MAP = 1;
/** The same, and the second immediate is an offset in the map's only value. */
export const PSEUDO_MAP_VALUE = 2;

const CLASS_MASK = 0x07;
const SIZE_MASK = 0x18;

/** Whether the instruction is a conditional or unconditional jump with a target. */
export function isJump({ operation }: Instruction): boolean {
  const kind = operation & CLASS_MASK;
  return (kind === CLASS_JUMP || kind === CLASS_JUMP_32) && operation !== CALL && operation !== EXIT;
}

/** Formats an instruction similarly to the kernel's verifier; `next` is the second half of a {@link LOAD_64}. */
export function formatInstruction(instruction: Instruction, next?: Instruction): string {
  const { operation, destination, source, offset, immediate, target } = instruction;
  const kind = operation & CLASS_MASK;
  const to = `r${destination}`;
  const from = `r${source}`;
  if (operation === CALL) return `call ${nameOf(HELPERS, immediate) ?? immediate}`;
  if (operation === EXIT) return "exit";
  if (operation === TO_BIG_ENDIAN) return `${to} = be${immediate} ${to}`;
  if (operation === LOAD_64) return `${to} = ${formatWide(instruction, next)}`;
  const value = (operation & FROM_REGISTER) === 0 ? formatConstant(immediate) : from;
  if (kind === (CLASS_LOAD & CLASS_MASK)) return `${to} = ${memory(operation, from, offset)}`;
  if ((operation & ~SIZE_MASK) === CLASS_ATOMIC) {
    const what = memory(operation, to, offset);
    return immediate === EXCHANGE
      ? `${from} = xchg(${what}, ${from})`
      : `${from} = fetch_add(${what}, ${from})`;
  }
  if (kind === (CLASS_STORE & CLASS_MASK)) return `${memory(operation, to, offset)} = ${from}`;
  if (kind === (CLASS_STORE_CONSTANT & CLASS_MASK)) return `${memory(operation, to, offset)} = ${immediate}`;
  if (kind === CLASS_ALU_64 || kind === CLASS_ALU_32) {
    const name = nameOf(ALU, operation & 0xf0) ?? "?";
    return kind === CLASS_ALU_64
      ? `${to} ${name} ${value}`
      : `w${destination} ${name} ${value.replace("r", "w")}`;
  }
  const condition = nameOf(CONDITIONS, operation & 0xf0);
  if (condition === undefined) return `goto ${target}`;
  const left = kind === CLASS_JUMP ? to : `w${destination}`;
  return `if ${left} ${condition} ${kind === CLASS_JUMP ? value : value.replace("r", "w")} goto ${target}`;
}

function formatWide({ source, immediate, map }: Instruction, next: Instruction | undefined): string {
  const high = next?.immediate ?? 0;
  if (source === PSEUDO_MAP) return `map ${map}`;
  if (source === PSEUDO_MAP_VALUE) return `map ${map}[0] + ${high}`;
  return `0x${((BigInt(high >>> 0) << 32n) | BigInt(immediate >>> 0)).toString(16)}`;
}

function formatConstant(value: number): string {
  return value > -1024 && value < 65_536 ? String(value) : `0x${(value >>> 0).toString(16)}`;
}

function memory(operation: number, base: string, offset: number): string {
  const bits = nameOf(SIZES, operation & SIZE_MASK) ?? "?";
  return `*(u${bits}*)(${base} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)})`;
}

function nameOf(table: Readonly<Record<string, number>>, code: number): string | undefined {
  return Object.keys(table).find((name) => table[name] === code);
}
