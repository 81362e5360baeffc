import { ARENA } from "./string-cache.js";

const NOTHING = new Uint8Array(0);

/** The wire types of groups and of values with a fixed length. */
const WIRE = { varint: 0, bits64: 1, withLength: 2, startGroup: 3, endGroup: 4, bits32: 5 } as const;

/** A varint has at most this many bytes, except in an unknown field, where protobuf-es accepts any number. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads parts of the protobuf wire format exactly as protobuf-es does, including overlong varints and values that are
 * wider than their field. The decoders of `gen/` read the usual short forms themselves and call it for the rest.
 *
 * After each call, {@link at} is the offset of the byte after what was read. Nothing is read at or after `limit`. Every
 * method throws an Error for bytes that protobuf-es does not accept.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  at = 0;
  #high = 0;
  /** The last value of `int64`: the seconds of neighboring flows are the same. */
  #seconds = 0n;
  #secondsLow = 0;
  #secondsHigh = 0;
  /** What was copied to the arena. */
  #source: Uint8Array = NOTHING;
  #sourceStart = 0;
  readonly #words = new DataView(new ArrayBuffer(8));

  /** Copies a message to the start of the arena, in which slices are then those of the message. */
  copyToArena(bytes: Uint8Array, start: number, end: number): void {
    ARENA.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    this.#source = bytes;
    this.#sourceStart = start;
  }

  /** Forgets the message in the arena, so that it is not kept in memory. */
  leaveArena(): void {
    this.#source = NOTHING;
  }

  /** Reads a tag: at most five bytes, a field number above 0, a wire type up to 5. */
  tag(bytes: Uint8Array, at: number, limit: number): number {
    const tag = this.varint(bytes, at, limit);
    const length = this.at - at;
    if (length > 5 || (length === 5 && bytes[at + 4]! > 0x0f)) throw new Error("a tag exceeds 32 bits");
    return checkTag(tag);
  }

  /** Reads a varint and returns its low 32 bits as an unsigned number. */
  varint(bytes: Uint8Array, at: number, limit: number): number {
    let low = 0;
    let high = 0;
    const end = Math.min(limit, at + MAX_VARINT_BYTES);
    for (let offset = at, shift = 0; offset < end; offset++, shift += 7) {
      const byte = bytes[offset]!;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      // The fifth byte is in both halves.
      if (shift === 28) high |= bits >> 4;
      else if (shift > 28) high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.at = offset + 1;
        this.#high = high;
        return low >>> 0;
      }
    }
    throw end === limit ? this.truncated() : new Error("a varint has more than ten bytes");
  }

  int64(bytes: Uint8Array, at: number, limit: number): bigint {
    const low = this.varint(bytes, at, limit);
    if (low !== this.#secondsLow || this.#high !== this.#secondsHigh) {
      this.#secondsLow = low;
      this.#secondsHigh = this.#high;
      this.#seconds = this.#toWords(low).getBigInt64(0);
    }
    return this.#seconds;
  }

  uint64(bytes: Uint8Array, at: number, limit: number): bigint {
    const low = this.varint(bytes, at, limit);
    return this.#high === 0 ? BigInt(low) : this.#toWords(low).getBigUint64(0);
  }

  bool(bytes: Uint8Array, at: number, limit: number): boolean {
    return this.varint(bytes, at, limit) !== 0 || this.#high !== 0;
  }

  /**
   * Skips the value of a field. Returns the offset after it.
   *
   * @param depth The maximum depth of groups.
   */
  skip(bytes: Uint8Array, start: number, limit: number, tag: number, depth: number): number {
    let at = start;
    switch (tag & 7) {
      case WIRE.varint:
        while (at < limit && bytes[at]! > 0x7f) at++;
        at++;
        break;
      case WIRE.bits64:
        at += 8;
        break;
      case WIRE.bits32:
        at += 4;
        break;
      case WIRE.withLength: {
        const length = this.varint(bytes, at, limit);
        at = this.at + length;
        break;
      }
      case WIRE.startGroup:
        if (depth <= 0) throw new Error("groups are nested too deeply");
        return this.#skipGroup(bytes, at, limit, tag >>> 3, depth);
      default:
        throw new Error("a group ends that did not begin");
    }
    if (at > limit) throw this.truncated();
    return at;
  }

  slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return bytes === ARENA
      ? this.#source.subarray(this.#sourceStart + start, this.#sourceStart + end)
      : bytes.subarray(start, end);
  }

  truncated(): Error {
    return new Error("a value ends beyond the end of the message");
  }

  #skipGroup(bytes: Uint8Array, start: number, limit: number, number: number, depth: number): number {
    for (let at = start; ; ) {
      const tag = this.tag(bytes, at, limit);
      at = this.at;
      if ((tag & 7) === WIRE.endGroup) {
        if (tag >>> 3 !== number) throw new Error("a group ends with another field number");
        return at;
      }
      at = this.skip(bytes, at, limit, tag, depth - 1);
    }
  }

  #toWords(low: number): DataView {
    this.#words.setInt32(0, this.#high);
    this.#words.setUint32(4, low);
    return this.#words;
  }
}

/** The reader of all decoders: it has the message that is in the arena. */
export const sharedReader: WireReader = new WireReader();

/** @throws Error for a tag without a field number, or with an unknown wire type. */
export function checkTag(tag: number): number {
  if (tag >>> 3 === 0 || (tag & 7) > WIRE.bits32) throw new Error(`a tag is invalid: ${tag}`);
  return tag;
}
