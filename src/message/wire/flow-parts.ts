import { clearFlow, type FieldEntry, FLOW_ENTRY, mergeFlow, type Own } from "../../gen/decoders.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { createScratchFlow } from "../decode-flow.js";
import type { FieldTree } from "../field-tree.js";
import { DecodePlan, type StringReader } from "./decode-plan.js";
import { ARENA } from "./string-cache.js";
import { checkTag, sharedReader as reader } from "./wire-reader.js";

/** The maximum number of parts: each has a bit. */
export const MAX_PARTS = 30;

/** How deep groups may be nested in a field of the flow. */
const GROUP_DEPTH = 99;

/** Offsets are stored in 32 bits. */
const MAX_OFFSET = 2 ** 31 - 1;

/** After this many flows, the count starts again. */
const MAX_NUMBER = 2 ** 31 - 1;

const NOTHING = new Uint8Array(0);
/** What the table of tags holds: how a field is skipped, and from `FIRST` on the fields of which parts are decoded. */
const OTHER = 0;
const SKIP_VARINT = 1;
const SKIP_WITH_LENGTH = 2;
const FIRST = 3;

/** What is decoded at once. */
export interface FlowPart {
  /** One field of the flow, or some of its fields. */
  readonly tree: FieldTree;
  readonly strings: StringReader;
}

/**
 * Decodes parts of an encoded flow when they are needed, into one message that the next flow overwrites. It first notes
 * where the fields of the flow are, without reading them.
 *
 * This only works for a flow in which each of these fields occurs once, as in those that programs encode. For any other
 * one, {@link setFlow} or {@link load} returns false, and the flow must be decoded as a whole.
 */
export class FlowParts {
  readonly flow: Flow;
  /** A bit for each part that has been decoded. */
  loaded = 0;
  readonly #flow: Own<Flow> = createScratchFlow();
  readonly #plans: readonly DecodePlan[];
  /** By part: the index of its field. */
  readonly #fieldOf: readonly number[];
  /** By tag, as above. */
  readonly #slots = new Uint8Array(FLOW_ENTRY.tableLength);
  /** The same for larger tags, and the numbers of all fields. */
  readonly #largeSlots = new Map<number, number>();
  readonly #numbers = new Set<number>();
  /** By field: the number of the flow in which it was found, and where. */
  readonly #foundIn: Int32Array;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #number = 0;
  #bytes: Uint8Array = NOTHING;

  /** @param parts At most {@link MAX_PARTS}. Several may have the same field. */
  constructor(parts: readonly FlowPart[]) {
    this.flow = this.#flow;
    this.#plans = parts.map(
      ({ tree, strings }) => new DecodePlan(FLOW_ENTRY, tree, { strings, reuses: true }),
    );
    const names = [...new Set(parts.flatMap(({ tree }) => Object.keys(tree)))];
    this.#fieldOf = parts.map(({ tree }) => names.indexOf(Object.keys(tree)[0] ?? ""));
    this.#foundIn = new Int32Array(names.length);
    this.#starts = new Int32Array(names.length);
    this.#ends = new Int32Array(names.length);
    for (const field of FLOW_ENTRY.fields) this.#addField(field, names.indexOf(field.name));
  }

  #addField({ number, wireType }: FieldEntry, index: number): void {
    const skip = wireType === 0 ? SKIP_VARINT : SKIP_WITH_LENGTH;
    const slot = index < 0 ? skip : FIRST + index;
    const tag = number * 8 + wireType;
    if (tag < this.#slots.length) this.#slots[tag] = slot;
    else this.#largeSlots.set(tag, slot);
    this.#numbers.add(number);
  }

  /** Begins with the flow in a part of a buffer. Returns false if it is damaged or must be decoded as a whole. */
  setFlow(bytes: Uint8Array, start: number, end: number): boolean {
    clearFlow(this.#flow);
    this.loaded = 0;
    if (end > MAX_OFFSET) return false;
    try {
      if (end - start > ARENA.length) {
        this.#bytes = bytes;
        return this.#find(bytes, start, end);
      }
      reader.copyToArena(bytes, start, end);
      this.#bytes = ARENA;
      return this.#find(ARENA, 0, end - start);
    } catch {
      return false;
    }
  }

  /** Notes where the fields are. */
  #find(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#number === MAX_NUMBER) {
      this.#number = 0;
      this.#foundIn.fill(0);
    }
    const number = ++this.#number;
    const slots = this.#slots;
    const foundIn = this.#foundIn;
    const starts = this.#starts;
    const ends = this.#ends;
    for (let at = start; at < end; ) {
      const from = at;
      let tag = bytes[at++]!;
      if (tag > 0x7f) {
        const second = at < end ? bytes[at]! : 0x80;
        if (second < 0x80) {
          tag = (tag & 0x7f) | (second << 7);
          at++;
        } else {
          tag = reader.tag(bytes, from, end);
          at = reader.at;
        }
      }
      const slot = tag < slots.length ? slots[tag]! : (this.#largeSlots.get(tag) ?? OTHER);
      if (slot === OTHER) {
        if (this.#numbers.has(checkTag(tag) >>> 3)) return false;
        at = reader.skip(bytes, at, end, tag, GROUP_DEPTH);
        continue;
      }
      if (at >= end) throw reader.truncated();
      let length = bytes[at++]!;
      if (length > 0x7f) {
        const second = at < end ? bytes[at]! : 0x80;
        if (second < 0x80) {
          length = (length & 0x7f) | (second << 7);
          at++;
        } else {
          length = reader.varint(bytes, at - 1, end);
          at = reader.at;
        }
      }
      if ((tag & 7) === 2) {
        if (length > end - at) throw reader.truncated();
        at += length;
      }
      if (slot < FIRST) continue;
      const field = slot - FIRST;
      if (foundIn[field] === number) return false;
      foundIn[field] = number;
      starts[field] = from;
      ends[field] = at;
    }
    return true;
  }

  /** Decodes parts of the flow: those with a bit in the mask. Returns false if it must be decoded as a whole. */
  load(mask: number): boolean {
    for (let missing = mask & ~this.loaded; missing !== 0; missing &= missing - 1) {
      const part = 31 - Math.clz32(missing & -missing);
      const field = this.#fieldOf[part]!;
      if (this.#foundIn[field] !== this.#number) continue;
      const end = this.#ends[field]!;
      if (!this.#plans[part]!.decodesExactly(mergeFlow, this.#flow, this.#bytes, this.#starts[field]!, end))
        return false;
    }
    this.loaded |= mask;
    return true;
  }

  /** Forgets the buffer. */
  leave(): void {
    this.#bytes = NOTHING;
    reader.leaveArena();
  }
}
