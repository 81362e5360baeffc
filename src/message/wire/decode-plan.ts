import { FlowscribeError } from "../../errors/errors.js";
import type { MessageEntry, Plan } from "../../gen/decoders.js";
import type { FieldTree } from "../field-tree.js";
import { ARENA } from "./string-cache.js";
import { checkTag, sharedReader as reader, type WireReader } from "./wire-reader.js";

/** How deep messages and groups may be nested, as in protobuf-es. */
const MAX_DEPTH = 100;

/** The maximum number of elements of a list that are reused. If an event has more, they are created for it. */
const MAX_REUSED = 64;

/** What the table of tags holds beside the slots of fields. */
const SKIP_VARINT = 1;
const SKIP_WITH_LENGTH = 2;
const FIRST_SLOT = 3;

/** The decoder of a message type. */
type Merge<T> = (
  message: T,
  bytes: Uint8Array,
  start: number,
  end: number,
  limit: number,
  plan: Plan,
) => number;

/** Decodes the strings of a message. */
export interface StringReader {
  read(bytes: Uint8Array, at: number, length: number): string;
}

export interface PlanOptions {
  readonly strings: StringReader;
  /**
   * Whether messages belong to the plan and are overwritten by the next event. Unknown fields are then skipped; otherwise
   * they are kept.
   */
  readonly reuses: boolean;
  /** Called when a plan that reuses messages skips an unknown field of a message that the tree selects as a whole. */
  readonly onUnknown?: (() => void) | undefined;
}

/** Where a message is in the outermost one. */
interface Place {
  /** 1 for the outermost message. */
  readonly depth: number;
  /** Whether it is a field of an element of a list. An event can have several of those, so they are not reused. */
  readonly isInElement: boolean;
  readonly isElement: boolean;
}

/**
 * Which fields of a message the decoders of `gen/` store: all of them, or those of a tree. Other fields keep their empty
 * values. If a case of a oneof is selected, the other cases are recorded without the fields of their messages, because a
 * later case replaces an earlier one.
 */
export class DecodePlan implements Plan {
  readonly slots: Uint8Array;
  readonly children: readonly (DecodePlan | undefined)[];
  readonly reader: WireReader = reader;
  readonly strings: StringReader;
  readonly reuses: boolean;
  readonly scratch: object;
  readonly #create: () => object;
  /** By field number, for tags that are not in the table. */
  readonly #slotOf = new Map<number, number>();
  readonly #groupDepth: number;
  readonly #keepsUnknown: boolean;
  readonly #onUnknown: (() => void) | undefined;
  readonly #elements: object[] = [];
  #taken = 0;
  /** Whether lists of strings are decoded, here or below: the message is then copied to the arena. */
  readonly #usesArena: boolean;
  /** The plans of lists in this message, directly or not. */
  readonly #lists: DecodePlan[] = [];

  /** @throws Error if the tree has a field that the message does not have. */
  constructor(
    entry: MessageEntry,
    tree: FieldTree | true,
    options: PlanOptions,
    { depth, isInElement, isElement }: Place = { depth: 1, isInElement: false, isElement: false },
  ) {
    this.strings = options.strings;
    this.reuses = options.reuses && !isInElement;
    this.scratch = entry.create();
    this.slots = new Uint8Array(entry.tableLength);
    this.#create = entry.create;
    this.#groupDepth = MAX_DEPTH - depth;
    this.#keepsUnknown = !options.reuses;
    this.#onUnknown = tree === true ? options.onUnknown : undefined;
    const children = new Array<DecodePlan | undefined>(FIRST_SLOT + entry.fields.length).fill(undefined);
    const selection = selectionOf(entry, tree);
    let usesArena = false;
    for (const [index, { number, wireType, message, isList = false }] of entry.fields.entries()) {
      const selected = selection[index];
      const skip = wireType === 0 ? SKIP_VARINT : SKIP_WITH_LENGTH;
      const slot = selected === undefined ? skip : FIRST_SLOT + index;
      const tag = number * 8 + wireType;
      if (tag < entry.tableLength) this.slots[tag] = slot;
      this.#slotOf.set(number, slot);
      if (selected === undefined) continue;
      if (message === undefined) {
        usesArena ||= isList;
        continue;
      }
      const place = { depth: depth + 1, isInElement: isInElement || isElement, isElement: isList };
      const child = new DecodePlan(message, selected, options, place);
      children[slot] = child;
      if (isList) this.#lists.push(child);
      this.#lists.push(...child.#lists);
      usesArena ||= child.#usesArena;
    }
    this.children = children;
    this.#usesArena = usesArena;
  }

  /**
   * Decodes a part of a buffer into a message of the type of this plan.
   *
   * @param merge The decoder of the type.
   * @throws FlowscribeError with the code `malformed_message`.
   */
  decode<T>(
    typeName: string,
    merge: Merge<T>,
    message: T,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    try {
      this.#merge(merge, message, bytes, start, end);
    } catch (cause) {
      throw malformed(typeName, cause);
    }
  }

  /** The same for a field of a larger message. Returns false if the field is not valid or ends elsewhere. */
  decodesExactly<T>(merge: Merge<T>, message: T, bytes: Uint8Array, start: number, end: number): boolean {
    try {
      return this.#merge(merge, message, bytes, start, end) === end;
    } catch {
      return false;
    }
  }

  /** Returns the offset after the last field. */
  #merge<T>(merge: Merge<T>, message: T, bytes: Uint8Array, start: number, end: number): number {
    for (let index = 0; index < this.#lists.length; index++) this.#lists[index]!.#taken = 0;
    if (!this.#usesArena || bytes === ARENA || end - start > ARENA.length) {
      return merge(message, bytes, start, end, end, this);
    }
    try {
      reader.copyToArena(bytes, start, end);
      return start + merge(message, ARENA, 0, end - start, end - start, this);
    } finally {
      reader.leaveArena();
    }
  }

  take(): object {
    const index = this.#taken++;
    if (index < this.#elements.length) return this.#elements[index]!;
    const element = this.#create();
    if (index < MAX_REUSED) this.#elements.push(element);
    return element;
  }

  resolve(tag: number): number {
    return this.#slotOf.get(checkTag(tag) >>> 3) ?? 0;
  }

  unknown(message: object, bytes: Uint8Array, at: number, limit: number, tag: number): number {
    const end = reader.skip(bytes, at, limit, tag, this.#groupDepth);
    if (this.#keepsUnknown) {
      // Every message of protobuf-es may have this property.
      const { $unknown = [] } = message as { $unknown?: UnknownField[] };
      $unknown.push({ no: tag >>> 3, wireType: tag & 7, data: reader.slice(bytes, at, end) });
      (message as { $unknown?: UnknownField[] }).$unknown = $unknown;
    } else this.#onUnknown?.();
    return end;
  }
}

/** The error for bytes that cannot be decoded as a message of this type. */
function malformed(typeName: string, cause: unknown): FlowscribeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new FlowscribeError("malformed_message", `not a valid ${typeName}: ${reason}`, { cause });
}

interface UnknownField {
  readonly no: number;
  readonly wireType: number;
  readonly data: Uint8Array;
}

/**
 * What a tree selects of each field: undefined if the field is skipped, `true` for all of it. The name of a oneof selects
 * its case.
 */
function selectionOf(
  { name, fields }: MessageEntry,
  tree: FieldTree | true,
): readonly (FieldTree | true | undefined)[] {
  if (tree === true) return fields.map(() => true);
  const names = new Set(fields.flatMap((field) => [field.name, field.oneof]));
  for (const wanted of Object.keys(tree)) {
    if (!names.has(wanted)) throw new Error(`${name} does not have a field ${wanted}`);
  }
  const isRead = (oneof: string) =>
    tree[oneof] !== undefined || fields.some((one) => one.oneof === oneof && tree[one.name] !== undefined);
  return fields.map((field) => {
    return tree[field.name] ?? (field.oneof !== undefined && isRead(field.oneof) ? {} : undefined);
  });
}
