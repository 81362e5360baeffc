import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { below, pick, type Random } from "./random.js";

/** A field of an encoded message: its number and wire type, and the encoded value with its length. */
interface WireField {
  readonly tag: number;
  readonly value: Uint8Array;
}

/**
 * Other encodings than the usual one: fields in another order, repeated, split or merged with those of another message,
 * unknown fields and groups, default values, long varints, other wire types, and damage: changed, missing and additional
 * bytes.
 */
export function mutatedMessage(messages: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const steps = fc.array(fc.tuple(fc.constantFrom(...MUTATIONS), fc.nat(), fc.nat(), messages), {
    maxLength: MAX_STEPS,
  });
  return fc
    .tuple(messages, steps)
    .map(([message, list]) => list.reduce((bytes, [mutate, ...rest]) => mutate(bytes, ...rest), message));
}

/** One of the encodings of {@link mutatedMessage}, without fast-check: for runs of millions. */
export function mutateMessage(
  message: Uint8Array,
  others: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  let bytes = message;
  for (let steps = below(random, MAX_STEPS + 1); steps > 0; steps--) {
    bytes = pick(random, MUTATIONS)(
      bytes,
      below(random, 2 ** 31),
      below(random, 2 ** 31),
      pick(random, others),
    );
  }
  return bytes;
}

const MAX_STEPS = 4;

type Mutation = (bytes: Uint8Array, where: number, how: number, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  // Appending a message merges it.
  (bytes, _where, _how, other) => concat(bytes, other),
  (bytes, where, how, other) => inside(bytes, where, (list) => swap([...list, ...split(other)], where, how)),
  (bytes, where, how) => inside(bytes, where, (list) => swap(list, where, how)),
  (bytes, where) => inside(bytes, where, (list) => [...list, ...list.slice(0, 1 + (where % 3))]),
  (bytes, where, how) => inside(bytes, where, (list) => insert(list, where, unknownField(how))),
  (bytes, where, how) => inside(bytes, where, (list) => insert(list, where, emptyField(how))),
  (bytes, where, how) =>
    inside(bytes, where, (list) => replace(list, where, (field) => lengthen(field, how))),
  (bytes, where, how) =>
    inside(bytes, where, (list) =>
      replace(list, where, ({ tag, value }) => ({ tag: (tag & ~7) | (how % 8), value })),
    ),
  (bytes, where, how) => inside(bytes, where, (list) => replace(list, where, (field) => recurse(field, how))),
  (bytes, where, how) => bytes.map((byte, index) => (index === where % bytes.length ? how : byte)),
  (bytes, where) => bytes.subarray(0, where % (bytes.length + 1)),
  (bytes, where, how) => {
    const at = where % (bytes.length + 1);
    return concat(bytes.subarray(0, at), Uint8Array.of(how), bytes.subarray(at));
  },
];

/** Changes the fields of a message that can be split; returns others unchanged. */
function inside(
  bytes: Uint8Array,
  where: number,
  change: (fields: readonly WireField[]) => readonly WireField[],
): Uint8Array {
  const fields = split(bytes);
  // Half of the time one of the nested messages, if its bytes look like one.
  const nested = fields.findIndex(
    ({ tag }, index) => (tag & 7) === 2 && index >= where % (fields.length + 1),
  );
  if (where % 2 === 1 && nested >= 0) {
    const { tag, value } = fields[nested]!;
    const content = contentOf(value);
    if (content.length > 0 && split(content).length > 0) {
      const changed = withLength(join(change(split(content))));
      return join(fields.map((field, index) => (index === nested ? { tag, value: changed } : field)));
    }
  }
  return fields.length === 0 ? bytes : join(change(fields));
}

function swap(list: readonly WireField[], from: number, to: number): readonly WireField[] {
  const changed = [...list];
  const [field] = changed.splice(from % Math.max(1, list.length), 1);
  if (field !== undefined) changed.splice(to % list.length, 0, field);
  return changed;
}

function insert(list: readonly WireField[], where: number, field: WireField): readonly WireField[] {
  const at = where % (list.length + 1);
  return [...list.slice(0, at), field, ...list.slice(at)];
}

function replace(
  list: readonly WireField[],
  where: number,
  change: (field: WireField) => WireField,
): readonly WireField[] {
  return list.map((field, index) => (index === where % list.length ? change(field) : field));
}

function recurse({ tag, value }: WireField, how: number): WireField {
  if ((tag & 7) !== WireType.LengthDelimited) return { tag, value };
  return { tag, value: withLength(inside(contentOf(value), how, (list) => swap(list, how, how >> 3))) };
}

/** A field that no message has, also as a group, empty or not. */
function unknownField(how: number): WireField {
  const number = 50 + (how % 7) * 1000;
  switch (how % 5) {
    case 0:
      return { tag: number * 8, value: varint(how) };
    case 1:
      return { tag: number * 8 + 1, value: new Uint8Array(8).fill(how) };
    case 2:
      return { tag: number * 8 + 5, value: new Uint8Array(4).fill(how) };
    case 3:
      return { tag: number * 8 + 2, value: withLength(new Uint8Array(how % 9).fill(how)) };
    default: {
      const nested = how % 2 === 0 ? join([unknownField(how >> 3)]) : new Uint8Array();
      return { tag: number * 8 + 3, value: concat(nested, varint(number * 8 + 4)) };
    }
  }
}

/** A default value, of a varint or of something with a length. */
function emptyField(how: number): WireField {
  return { tag: (1 + (how % 45)) * 8 + (how % 2) * 2, value: Uint8Array.of(0) };
}

/** The same value with more bytes, or a large value. */
function lengthen({ tag, value }: WireField, how: number): WireField {
  if ((tag & 7) === WireType.Varint) {
    if (how % 3 === 0) return { tag, value: varint(-how) };
    return { tag, value: padVarint(value, how) };
  }
  if ((tag & 7) !== WireType.LengthDelimited) return { tag, value };
  const content = contentOf(value);
  return { tag, value: concat(padVarint(varint(content.length), how), content) };
}

function padVarint(bytes: Uint8Array, how: number): Uint8Array {
  const padding = 1 + (how % 11);
  const padded = new Uint8Array(bytes.length + padding).fill(0x80);
  padded.set(bytes);
  padded[bytes.length - 1]! |= 0x80;
  padded[padded.length - 1] = 0;
  return padded;
}

/** The fields of a message; empty if it is not valid. */
function split(bytes: Uint8Array): readonly WireField[] {
  const fields: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value: tag, end: start } = readVarint(bytes, at);
    const end = endOf(bytes, start, tag & 7);
    if (tag < 8 || tag >= 2 ** 32 || end === undefined || end > bytes.length) return [];
    fields.push({ tag, value: bytes.subarray(start, end) });
    at = end;
  }
  return fields;
}

function endOf(bytes: Uint8Array, start: number, wireType: number): number | undefined {
  switch (wireType) {
    case WireType.Varint:
      return readVarint(bytes, start).end;
    case WireType.Bit64:
      return start + 8;
    case WireType.Bit32:
      return start + 4;
    case WireType.LengthDelimited: {
      const { value, end } = readVarint(bytes, start);
      return end + value;
    }
    default:
      return undefined;
  }
}

function contentOf(value: Uint8Array): Uint8Array {
  return value.subarray(readVarint(value, 0).end);
}

function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  let end = at;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, end };
  }
}

function join(fields: readonly WireField[]): Uint8Array {
  return concat(...fields.flatMap(({ tag, value }) => [varint(tag), value]));
}

function withLength(bytes: Uint8Array): Uint8Array {
  return concat(varint(bytes.length), bytes);
}

function varint(value: number): Uint8Array {
  if (value >= 0 && value < 0x80) return Uint8Array.of(value);
  return new BinaryWriter().int64(value).finish();
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
