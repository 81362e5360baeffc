import { type Properties, propertiesOf } from "../../properties.js";
import { readMessage } from "../read-message.js";
import { defaultRegistry } from "../registry.js";
import { asciiText } from "./ascii-text.js";
import { fail } from "./failure.js";
import { findName } from "./name-table.js";
import type { FieldPlan, KIND, MessagePlan } from "./plan.js";
import { lastNameEntry, readName, unquote } from "./read-name.js";
import { isFalse, isNull, isTrue, lastInteger, plainEnd, readInteger } from "./scalars.js";
import { skipSpace, skipString, skipValue } from "./skip.js";

// Constants of this file, because V8 loads those of other modules at each use.
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LOWER_N = 0x6e;

// The compiler compares them with those of the plan.
const SKIP: typeof KIND.skip = 0;
const STRING: typeof KIND.string = 1;
const BOOL: typeof KIND.bool = 2;
const UINT32: typeof KIND.uint32 = 3;
const INT32: typeof KIND.int32 = 4;
const LONG: typeof KIND.long = 5;
const ENUM: typeof KIND.enum = 6;
const MESSAGE: typeof KIND.message = 7;
const STRINGS: typeof KIND.strings = 8;
const MESSAGES: typeof KIND.messages = 9;

/** Numbers of up to so many digits are exact in 31 bits. */
const INT_DIGITS = 9;
/** Numbers of up to so many digits are exact as a double. */
const LONG_DIGITS = 15;

/** Matches half of a surrogate pair, which only an escape can contain. */
const HALF_PAIR = /\p{Surrogate}/u;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// All functions below return the position after what they have read, or -1.

/** Reads the members of an object, after its bracket, into a message. */
export function readMembers(
  plan: MessagePlan,
  target: Properties,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const { fields, names, resetNames, resetValues } = plan;
  for (let index = 0; index < resetNames.length; index++) target[resetNames[index]!] = resetValues[index];
  // The fields and oneofs that have occurred.
  let low = 0;
  let high = 0;
  let oneofs = 0;
  let previous = names.values.length;
  let at = skipSpace(bytes, start, end);
  if (at < end && bytes[at] === CLOSE_OBJECT) return at + 1;
  for (;;) {
    const nameStart = at;
    at = readName(names, previous, bytes, at, end);
    if (at < 0) return -1;
    if (lastNameEntry() < 0) at = skipUnread(bytes, at, end);
    else {
      previous = lastNameEntry();
      const index = names.values[previous]!;
      const bit = 1 << (index & 31);
      if (index < 32) {
        if ((low & bit) !== 0) return fail(nameStart);
        low |= bit;
      } else {
        if ((high & bit) !== 0) return fail(nameStart);
        high |= bit;
      }
      const field = fields[index]!;
      const { oneofBit } = field;
      if (oneofBit !== 0) {
        if ((oneofs & oneofBit) !== 0) return fail(nameStart);
        oneofs |= oneofBit;
      }
      at = readField(field, target, bytes, at, end);
    }
    if (at < 0) return -1;
    if (at < end && bytes[at] === COMMA) at++;
    else {
      at = skipSpace(bytes, at, end);
      if (at >= end) return fail(at);
      if (bytes[at] === CLOSE_OBJECT) return at + 1;
      if (bytes[at] !== COMMA) return fail(at);
      at++;
    }
    if (at < end && bytes[at] !== QUOTE) at = skipSpace(bytes, at, end);
  }
}

export function skipUnread(bytes: Uint8Array, at: number, end: number): number {
  const after = skipValue(bytes, at, end);
  return after < 0 ? fail(at) : after;
}

function readField(field: FieldPlan, target: Properties, bytes: Uint8Array, at: number, end: number): number {
  if (field.kind === SKIP && !field.nullMatters) return skipUnread(bytes, at, end);
  if (at >= end) return fail(at);
  if (bytes[at] === LOWER_N) {
    return !field.nullMatters && isNull(bytes, at, end) ? at + 4 : fail(at);
  }
  switch (field.kind) {
    case SKIP:
      return skipUnread(bytes, at, end);
    case STRING: {
      if (bytes[at] !== QUOTE) break;
      const close = plainEnd(bytes, at + 1, end);
      if (close < 0) return readUnusualString(field, target, bytes, at, end);
      target[field.property] = asciiText(bytes, at + 1, close);
      return close + 1;
    }
    case BOOL: {
      if (isTrue(bytes, at, end)) {
        target[field.property] = true;
        return at + 4;
      }
      if (!isFalse(bytes, at, end)) break;
      target[field.property] = false;
      return at + 5;
    }
    case UINT32:
    case INT32: {
      const after = readInteger(bytes, at, end, INT_DIGITS, field.kind === INT32);
      if (after < 0) break;
      target[field.property] = lastInteger();
      return after;
    }
    case LONG: {
      const isQuoted = bytes[at] === QUOTE;
      const after = readInteger(bytes, isQuoted ? at + 1 : at, end, LONG_DIGITS, false);
      if (after < 0 || (isQuoted && (after >= end || bytes[after] !== QUOTE))) break;
      target[field.property] = BigInt(lastInteger());
      return isQuoted ? after + 1 : after;
    }
    case ENUM: {
      const after = readEnum(field, target, bytes, at, end);
      if (after < 0) break;
      return after;
    }
    case MESSAGE: {
      if (bytes[at] !== OPEN_OBJECT) break;
      const message = field.message!;
      target[field.property] = field.oneof ?? message.target;
      return readMembers(message, message.target, bytes, at + 1, end);
    }
    case STRINGS: {
      const list: string[] = [];
      const after = readStrings(list, bytes, at, end);
      if (after < 0) break;
      target[field.property] = list;
      return after;
    }
    case MESSAGES: {
      const list: Properties[] = [];
      const after = readMessages(field.message!, list, bytes, at, end);
      if (after < 0) break;
      target[field.property] = list;
      return after;
    }
  }
  return readBySlice(field, target, bytes, at, end);
}

/** Reads any value with the reader of whole messages, so that unusual values have one meaning. */
function readBySlice(
  { field, property }: FieldPlan,
  target: Properties,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const after = skipUnread(bytes, at, end);
  if (after < 0) return -1;
  try {
    const text = `{"${field.jsonName}":${utf8.decode(bytes.subarray(at, after))}}`;
    // The text begins like an object, and only an object does.
    const { message } = readMessage(field.parent, JSON.parse(text) as object, text, defaultRegistry());
    target[property] = propertiesOf(message)[property];
    return after;
  } catch {
    return fail(at);
  }
}

/** Reads a string with escapes or characters that are not ASCII. */
function readUnusualString(
  field: FieldPlan,
  target: Properties,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  const after = skipString(bytes, at + 1, end);
  if (after < 0) return fail(at);
  const text = unquote(bytes, at, after);
  if (text === undefined || HALF_PAIR.test(text)) return readBySlice(field, target, bytes, at, end);
  target[field.property] = text;
  return after;
}

/** Reads the name or number of an enum value. A field with an unknown name remains unset. */
function readEnum(
  { numbers, property }: FieldPlan,
  target: Properties,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  if (bytes[at] !== QUOTE) {
    const after = readInteger(bytes, at, end, INT_DIGITS, true);
    if (after >= 0) target[property] = lastInteger();
    return after;
  }
  const close = plainEnd(bytes, at + 1, end);
  if (close < 0) return -1;
  const entry = findName(numbers!, bytes, at + 1, close);
  if (entry >= 0) target[property] = numbers!.values[entry]!;
  return close + 1;
}

function readStrings(list: string[], bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] !== OPEN_LIST) return -1;
  let at = skipSpace(bytes, start + 1, end);
  if (at < end && bytes[at] === CLOSE_LIST) return at + 1;
  for (;;) {
    if (at >= end || bytes[at] !== QUOTE) return -1;
    const close = plainEnd(bytes, at + 1, end);
    if (close < 0) return -1;
    list.push(asciiText(bytes, at + 1, close));
    at = skipSpace(bytes, close + 1, end);
    if (at >= end) return -1;
    if (bytes[at] === CLOSE_LIST) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1, end);
  }
}

function readMessages(
  plan: MessagePlan,
  list: Properties[],
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (bytes[start] !== OPEN_LIST) return -1;
  let at = skipSpace(bytes, start + 1, end);
  if (at < end && bytes[at] === CLOSE_LIST) return at + 1;
  for (;;) {
    if (at >= end || bytes[at] !== OPEN_OBJECT) return -1;
    const message = propertiesOf(plan.create());
    at = readMembers(plan, message, bytes, at + 1, end);
    if (at < 0) return -1;
    list.push(message);
    at = skipSpace(bytes, at, end);
    if (at >= end) return -1;
    if (bytes[at] === CLOSE_LIST) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at = skipSpace(bytes, at + 1, end);
  }
}
