import {
  ALU,
  type AluOperation,
  CALL,
  CLASS_ALU_32,
  CLASS_ALU_64,
  CLASS_ATOMIC,
  CLASS_JUMP,
  CLASS_JUMP_32,
  CLASS_LOAD,
  CLASS_STORE,
  CLASS_STORE_CONSTANT,
  CONDITIONS,
  type Condition,
  EXCHANGE,
  EXIT,
  FETCH_ADD,
  FROM_REGISTER,
  formatInstruction,
  HELPERS,
  type Helper,
  INSTRUCTION_BYTES,
  type Instruction,
  isJump,
  LOAD_64,
  type MapName,
  type Operand,
  PSEUDO_MAP,
  PSEUDO_MAP_VALUE,
  type Register,
  SIZES,
  TO_BIG_ENDIAN,
  type Width,
} from "./instruction.js";

/** A jump target in a program: created by {@link Assembler.label}, positioned by {@link Assembler.place}. */
export interface Label {
  readonly name: string;
}

/** Memory that an instruction reads or writes: the address in a register plus a constant offset. */
export interface Place {
  readonly base: Register;
  readonly offset: number;
}

const JUMP_REACH = 0x7fff;

/**
 * Collects the instructions of a program, then resolves its labels. Unreachable code is removed, because the kernel
 * rejects programs that contain it. A stage can therefore be emitted without knowing whether the previous stage always
 * jumps away.
 *
 * Misuse is a bug and throws a `TypeError`, or a `RangeError` for a number that does not fit its field.
 */
export class Assembler {
  readonly #instructions: (Omit<Instruction, "target"> & { readonly label?: Label })[] = [];
  readonly #places = new Map<Label, number>();

  label(name: string): Label {
    return { name };
  }

  place(label: Label): void {
    if (this.#places.has(label)) throw new TypeError(`label ${label.name} is placed twice`);
    this.#places.set(label, this.#instructions.length);
  }

  /** 64-bit operation: `alu("r1", "+=", 4)`. */
  alu(destination: Register, operation: AluOperation, operand: Operand): void {
    this.#operate(ALU[operation] | CLASS_ALU_64, destination, operand);
  }

  /** 32-bit operation; clears the upper half of the destination. */
  alu32(destination: Register, operation: AluOperation, operand: Operand): void {
    this.#operate(ALU[operation] | CLASS_ALU_32, destination, operand);
  }

  /** Converts between network and host byte order; clears the higher bits. */
  bigEndian(register: Register, bits: 16 | 32 | 64): void {
    this.#add({ operation: TO_BIG_ENDIAN, destination: indexOf(register), immediate: bits });
  }

  load(destination: Register, width: Width, { base, offset }: Place): void {
    this.#add({
      operation: CLASS_LOAD | SIZES[width],
      destination: indexOf(destination),
      source: indexOf(base),
      offset,
    });
  }

  store({ base, offset }: Place, width: Width, operand: Operand): void {
    const destination = indexOf(base);
    if (typeof operand === "number") {
      this.#add({
        operation: CLASS_STORE_CONSTANT | SIZES[width],
        destination,
        offset,
        immediate: operand,
      });
    } else {
      this.#add({ operation: CLASS_STORE | SIZES[width], destination, source: indexOf(operand), offset });
    }
  }

  /** Adds the register to memory and returns the previous value in it. Atomic, with full memory ordering. */
  fetchAdd(place: Place, width: 32 | 64, register: Register): void {
    this.#atomic(FETCH_ADD, place, width, register);
  }

  /** Exchanges the register and memory. Atomic, with full memory ordering. */
  exchange(place: Place, width: 32 | 64, register: Register): void {
    this.#atomic(EXCHANGE, place, width, register);
  }

  jump(label: Label): void {
    this.#add({ operation: CLASS_JUMP, label });
  }

  /** 64-bit comparison: `jumpIf("r1", "==", 6, label)`. */
  jumpIf(register: Register, condition: Condition, operand: Operand, label: Label): void {
    this.#operate(CONDITIONS[condition] | CLASS_JUMP, register, operand, label);
  }

  jumpIf32(register: Register, condition: Condition, operand: Operand, label: Label): void {
    this.#operate(CONDITIONS[condition] | CLASS_JUMP_32, register, operand, label);
  }

  /** Calls a helper: arguments in r1 to r5, which are clobbered; result in r0. */
  call(helper: Helper): void {
    this.#add({ operation: CALL, immediate: HELPERS[helper] });
  }

  exit(): void {
    this.#add({ operation: EXIT });
  }

  constant64(destination: Register, value: bigint): void {
    this.#wide(destination, 0, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  map(destination: Register, map: MapName): void {
    this.#wide(destination, PSEUDO_MAP, 0, 0, map);
  }

  /** Loads the address of a byte in the only value of an array map. */
  mapValue(destination: Register, map: MapName, offset: number): void {
    this.#wide(destination, PSEUDO_MAP_VALUE, 0, offset, map);
  }

  assemble(): Program {
    const targets = this.#instructions.map(({ label }) => (label === undefined ? -1 : this.#placeOf(label)));
    const kept = this.#reachable(targets);
    const moved = new Int32Array(kept.length + 1);
    kept.forEach((keep, index) => {
      moved[index + 1] = moved[index]! + keep;
    });
    const instructions: Instruction[] = [];
    this.#instructions.forEach(({ label, ...instruction }, index) => {
      if (kept[index] === 0) return;
      if (label === undefined) {
        instructions.push(instruction);
        return;
      }
      const target = moved[targets[index]!]!;
      const offset = target - instructions.length - 1;
      if (Math.abs(offset) > JUMP_REACH) throw new RangeError(`jump to ${label.name} too far: ${offset}`);
      instructions.push({ ...instruction, offset, target });
    });
    return new Program(instructions);
  }

  #placeOf(label: Label): number {
    const place = this.#places.get(label);
    if (place === undefined) throw new TypeError(`label ${label.name} is not placed`);
    return place;
  }

  #reachable(targets: readonly number[]): Uint8Array {
    const kept = new Uint8Array(this.#instructions.length);
    const starts = [0];
    for (let at = starts.pop(); at !== undefined; at = starts.pop()) {
      while (kept[at] !== 1) {
        const instruction = this.#instructions[at];
        if (instruction === undefined) throw new TypeError("the program runs off its end");
        kept[at] = 1;
        if (instruction.operation === EXIT) break;
        if (instruction.operation === LOAD_64) kept[++at] = 1;
        if (isJump(instruction)) {
          starts.push(targets[at]!);
          if (instruction.operation === CLASS_JUMP) break;
        }
        at++;
      }
    }
    return kept;
  }

  #operate(operation: number, register: Register, operand: Operand, label?: Label): void {
    const destination = indexOf(register);
    const rest = label === undefined ? {} : { label };
    if (typeof operand === "number") this.#add({ operation, destination, immediate: operand, ...rest });
    else this.#add({ operation: operation | FROM_REGISTER, destination, source: indexOf(operand), ...rest });
  }

  #atomic(immediate: number, { base, offset }: Place, width: 32 | 64, register: Register): void {
    const operation = CLASS_ATOMIC | SIZES[width];
    this.#add({ operation, destination: indexOf(base), source: indexOf(register), offset, immediate });
  }

  #wide(destination: Register, source: number, low: number, high: number, map?: MapName): void {
    this.#add({
      operation: LOAD_64,
      destination: indexOf(destination),
      source,
      immediate: low,
      ...(map !== undefined && { map }),
    });
    this.#add({ operation: 0, immediate: high });
  }

  #add(instruction: Partial<Instruction> & { operation: number; label?: Label }): void {
    const { offset = 0, immediate = 0 } = instruction;
    if ((offset << 16) >> 16 !== offset) throw new RangeError(`offset ${offset} does not fit 16 bits`);
    if ((immediate | 0) !== immediate) throw new RangeError(`constant ${immediate} does not fit 32 bits`);
    this.#instructions.push({ destination: 0, source: 0, offset, immediate, ...instruction });
  }
}

/** An assembled program. */
export class Program {
  readonly instructions: readonly Instruction[];

  constructor(instructions: readonly Instruction[]) {
    this.instructions = instructions;
  }

  /** Encodes the program for the kernel, with the given map descriptors. */
  encode(descriptors: Readonly<Partial<Record<MapName, number>>>): Uint8Array {
    const bytes = new Uint8Array(this.instructions.length * INSTRUCTION_BYTES);
    const view = new DataView(bytes.buffer);
    this.instructions.forEach(({ operation, destination, source, offset, immediate, map }, index) => {
      const at = index * INSTRUCTION_BYTES;
      bytes[at] = operation;
      bytes[at + 1] = (source << 4) | destination;
      view.setInt16(at + 2, offset, true);
      view.setInt32(at + 4, map === undefined ? immediate : descriptorOf(map, descriptors), true);
    });
    return bytes;
  }

  /** Formats one instruction per line, each with its index, which jumps refer to. */
  format(): string {
    const lines: string[] = [];
    this.instructions.forEach((instruction, index) => {
      if (this.instructions[index - 1]?.operation === LOAD_64) return;
      lines.push(
        `${String(index).padStart(5)}: ${formatInstruction(instruction, this.instructions[index + 1])}`,
      );
    });
    return lines.join("\n");
  }
}

function descriptorOf(map: MapName, descriptors: Readonly<Partial<Record<MapName, number>>>): number {
  const descriptor = descriptors[map];
  if (descriptor === undefined) throw new TypeError(`no descriptor for the map ${map}`);
  return descriptor;
}

function indexOf(register: Register): number {
  return Number(register.slice(1));
}
