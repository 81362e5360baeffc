/** What all decoders share: the interfaces of their plan, which src/message implements. */
export const PRELUDE = `
/** A message with a property for every field; those without a value are undefined. */
export type Own<T> = { -readonly [K in keyof Omit<Required<T>, "$unknown">]: T[K] };

/** Reads what is rare. After each call, \`at\` is the offset of the byte after what was read. */
interface Reader {
  readonly at: number;
  /** A tag, validated. */
  tag(bytes: Uint8Array, at: number, limit: number): number;
  /** The low 32 bits of a varint, as unsigned. */
  varint(bytes: Uint8Array, at: number, limit: number): number;
  int64(bytes: Uint8Array, at: number, limit: number): bigint;
  uint64(bytes: Uint8Array, at: number, limit: number): bigint;
  bool(bytes: Uint8Array, at: number, limit: number): boolean;
  /** The part of the decoded buffer from \`start\` to \`end\`, of which \`bytes\` may be a copy. */
  slice(bytes: Uint8Array, start: number, end: number): Uint8Array;
  /** The error for a value that ends beyond the limit. */
  truncated(): Error;
}

/** Which fields of a message are decoded, and into what. */
export interface Plan {
  /** By tag: 0 for any other tag, 1 to skip a varint, 2 to skip a value with a length, or the slot of a field. */
  readonly slots: Uint8Array;
  /** The plans of nested messages, by slot. */
  readonly children: readonly (Plan | undefined)[];
  readonly reader: Reader;
  readonly strings: { read(bytes: Uint8Array, at: number, length: number): string };
  /** Whether messages are taken from the plan instead of created. */
  readonly reuses: boolean;
  /** A message that is reused. */
  readonly scratch: unknown;
  /** Returns one of several messages that are reused, for an element of a list. */
  take(): unknown;
  /** The slot of a tag that is not in the table; 0 if the field is unknown. */
  resolve(tag: number): number;
  /** Skips an unknown field and keeps it if the plan says so. Returns the offset after it. */
  unknown(message: object, bytes: Uint8Array, at: number, limit: number, tag: number): number;
}

/** What is known about a field. Its slot is its index in the list of fields plus 3. */
export interface FieldEntry {
  /** As in the proto file. */
  readonly name: string;
  readonly number: number;
  readonly wireType: 0 | 2;
  /** The oneof of the field, as in the proto file. */
  readonly oneof?: string;
  /** The type of a nested message. */
  readonly message?: MessageEntry;
  readonly isList?: true;
}

/** What is known about a message type. */
export interface MessageEntry {
  readonly name: string;
  readonly fields: readonly FieldEntry[];
  /** The number of tags in the table of a plan. */
  readonly tableLength: number;
  /** Creates an empty message. */
  create(): object;
}

/** The property of a oneof. It is changed in place. */
interface Oneof {
  case: string | undefined;
  value: unknown;
}

const NO_BYTES = new Uint8Array(0);
`;
