// A small interpreter of eBPF (https://www.rfc-editor.org/rfc/rfc9669), so that programs can be tested without a kernel.
// It runs the encoded bytes, and rejects what the verifier would: reads outside of memory or of unwritten stack bytes.

/** What a program is run on: the packet's bytes, and the VLAN tag that the kernel keeps beside them. */
export interface InterpreterInput {
  readonly packet: Uint8Array;
  readonly tag?: { readonly etherType: number; readonly control: number };
}

const CONTEXT = 0x1_0000;
const CONTEXT_BYTES = 192;
const STACK = 0x2_0000;
const STACK_BYTES = 512;
const TABLES = 0x100_0000;
const STEPS = 1_000_000;
const EFAULT = -14n;

const SIZES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, 24: 8 };

interface Region {
  readonly base: number;
  readonly bytes: Uint8Array;
  /** Bytes that are written, if that matters. */
  readonly written?: Uint8Array;
}

/** Runs a program with the value of its map `tables`; returns r0. */
export function interpret(
  program: Uint8Array,
  tables: Uint8Array,
  { packet, tag }: InterpreterInput,
): bigint {
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const registers = new BigUint64Array(11);
  const context = new Uint8Array(CONTEXT_BYTES);
  const contextView = new DataView(context.buffer);
  contextView.setUint32(0, packet.length, true);
  if (tag !== undefined) {
    contextView.setUint32(20, 1, true);
    contextView.setUint32(24, tag.control, true);
    contextView.setUint16(28, tag.etherType, false);
  }
  const regions: readonly Region[] = [
    { base: CONTEXT, bytes: context },
    { base: STACK, bytes: new Uint8Array(STACK_BYTES), written: new Uint8Array(STACK_BYTES) },
    { base: TABLES, bytes: tables },
  ];
  registers[1] = BigInt(CONTEXT);
  registers[10] = BigInt(STACK + STACK_BYTES);

  function locate(address: bigint, length: number): { readonly region: Region; readonly at: number } {
    const number = Number(address);
    const region = regions.find(
      ({ base, bytes }) => number >= base && number + length <= base + bytes.length,
    );
    if (region === undefined) throw new RangeError(`access to ${length} bytes at 0x${address.toString(16)}`);
    return { region, at: number - region.base };
  }

  function load(address: bigint, length: number): bigint {
    const { region, at } = locate(address, length);
    if (region.written?.subarray(at, at + length).includes(0))
      throw new RangeError("read of unwritten stack");
    let value = 0n;
    for (let index = length - 1; index >= 0; index--)
      value = (value << 8n) | BigInt(region.bytes[at + index]!);
    return value;
  }

  function store(address: bigint, length: number, value: bigint): void {
    const { region, at } = locate(address, length);
    if (region.written === undefined) throw new RangeError("write outside of the stack");
    for (let index = 0; index < length; index++) {
      region.bytes[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
      region.written[at + index] = 1;
    }
  }

  /** `bpf_skb_load_bytes`: see `man bpf-helpers`. */
  function loadBytes(): bigint {
    const offset = Number(registers[2]!);
    const length = Number(registers[4]!);
    if (registers[1] !== BigInt(CONTEXT) || length === 0)
      throw new RangeError("invalid arguments of a helper");
    const isInside = offset + length <= packet.length;
    for (let index = 0; index < length; index++) {
      store(registers[3]! + BigInt(index), 1, BigInt(isInside ? packet[offset + index]! : 0));
    }
    return isInside ? 0n : EFAULT;
  }

  for (let pc = 0, step = 0; ; pc++, step++) {
    if (step === STEPS) throw new RangeError("the program does not end");
    if (pc < 0 || 8 * pc >= program.length) throw new RangeError("the program leaves its instructions");
    const operation = program[8 * pc]!;
    const destination = program[8 * pc + 1]! & 0x0f;
    const source = program[8 * pc + 1]! >> 4;
    const offset = code.getInt16(8 * pc + 2, true);
    const immediate = code.getInt32(8 * pc + 4, true);
    const operand = (operation & 0x08) !== 0 ? registers[source]! : BigInt.asUintN(64, BigInt(immediate));
    const size = SIZES[operation & 0x18]!;
    if (operation === 0x95) return BigInt.asIntN(64, registers[0]!);
    if (operation === 0x85) {
      if (immediate !== 26) throw new RangeError(`unknown helper ${immediate}`);
      registers[0] = loadBytes();
      continue;
    }
    if (operation === 0x18) {
      const high = code.getInt32(8 * pc + 12, true);
      // 2: the address of a byte in the only value of a map.
      registers[destination] =
        source === 2 ? BigInt(TABLES + high) : (BigInt(high >>> 0) << 32n) | BigInt(immediate >>> 0);
      pc++;
      continue;
    }
    switch (operation & 0x07) {
      case 0x01:
        registers[destination] = load(registers[source]! + BigInt(offset), size);
        break;
      case 0x02:
        store(registers[destination]! + BigInt(offset), size, BigInt.asUintN(64, BigInt(immediate)));
        break;
      case 0x03:
        store(registers[destination]! + BigInt(offset), size, registers[source]!);
        break;
      case 0x07:
        registers[destination] = calculate(operation & 0xf0, 64, registers[destination]!, operand);
        break;
      case 0x04:
        registers[destination] =
          operation === 0xdc
            ? swap(registers[destination]!, immediate)
            : calculate(operation & 0xf0, 32, low(registers[destination]!), low(operand));
        break;
      case 0x05:
        if (holds(operation & 0xf0, registers[destination]!, operand)) pc += offset;
        break;
      case 0x06:
        if (holds(operation & 0xf0, low(registers[destination]!), low(operand))) pc += offset;
        break;
      default:
        throw new RangeError(`unknown operation 0x${operation.toString(16)}`);
    }
  }
}

function low(value: bigint): bigint {
  return BigInt.asUintN(32, value);
}

function swap(value: bigint, bits: number): bigint {
  let swapped = 0n;
  for (let shift = 0n; shift < BigInt(bits); shift += 8n)
    swapped = (swapped << 8n) | ((value >> shift) & 0xffn);
  return swapped;
}

/** Section 4.1. A shift uses the lower bits of its operand. */
function calculate(operation: number, bits: 32 | 64, a: bigint, b: bigint): bigint {
  const shift = b & BigInt(bits - 1);
  const result = (): bigint => {
    switch (operation) {
      case 0x00:
        return a + b;
      case 0x10:
        return a - b;
      case 0x20:
        return a * b;
      case 0x30:
        return b === 0n ? 0n : a / b;
      case 0x40:
        return a | b;
      case 0x50:
        return a & b;
      case 0x60:
        return a << shift;
      case 0x70:
        return a >> shift;
      case 0xa0:
        return a ^ b;
      case 0xb0:
        return b;
      case 0xc0:
        return BigInt.asIntN(bits, a) >> shift;
      default:
        throw new RangeError(`unknown operation 0x${operation.toString(16)}`);
    }
  };
  return BigInt.asUintN(bits, result());
}

/** Section 4.3; the unsigned conditions. */
function holds(operation: number, a: bigint, b: bigint): boolean {
  switch (operation) {
    case 0x00:
      return true;
    case 0x10:
      return a === b;
    case 0x20:
      return a > b;
    case 0x30:
      return a >= b;
    case 0x40:
      return (a & b) !== 0n;
    case 0x50:
      return a !== b;
    case 0xa0:
      return a < b;
    case 0xb0:
      return a <= b;
    default:
      throw new RangeError(`unknown condition 0x${operation.toString(16)}`);
  }
}
