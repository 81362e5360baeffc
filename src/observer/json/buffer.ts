import { quote } from "./quote.js";

const INITIAL_BYTES = 16 * 1024;
/** A larger buffer, needed for a huge event, is released. */
const MAX_KEPT_BYTES = 1024 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;

/** ASCII characters that need no escaping in JSON; `<`, `>` and `&` are escaped. */
const PLAIN = Uint8Array.from({ length: 128 }, (_, code) =>
  code >= 0x20 && code < 0x7f && !'"\\<>&'.includes(String.fromCharCode(code)) ? 1 : 0,
);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Encodes an ASCII string that is known in advance, such as the name of a field or an enum value. */
export function asciiBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * A reusable buffer for JSON in UTF-8. Characters are checked and copied in one pass, and writing a value allocates
 * nothing.
 */
export class JsonBuffer {
  #bytes = new Uint8Array(INITIAL_BYTES);
  #length = 0;

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = new Uint8Array(INITIAL_BYTES);
  }

  toString(): string {
    return decoder.decode(this.#bytes.subarray(0, this.#length));
  }

  /** Appends an ASCII character. */
  byte(code: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = code;
  }

  /** Ends a list or object, overwriting a trailing comma. */
  close(code: number): void {
    this.#reserve(1);
    const last = this.#length - 1;
    if (this.#bytes[last] === COMMA) this.#bytes[last] = code;
    else this.#bytes[this.#length++] = code;
  }

  copy(ascii: Uint8Array): void {
    const { length } = ascii;
    this.#reserve(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < length; index++) bytes[at++] = ascii[index]!;
    this.#length = at;
  }

  /** Appends JSON unchanged. */
  raw(json: string): void {
    // A UTF-16 code unit takes at most three bytes in UTF-8.
    this.#reserve(3 * json.length);
    this.#length += encoder.encodeInto(json, this.#bytes.subarray(this.#length)).written;
  }

  /** Appends a string in quotes, escaped where necessary. */
  text(text: string): void {
    const { length } = text;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 128 || PLAIN[code] === 0) {
        this.raw(quote(text));
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
  }

  /** Appends an integer from 0 to 2^32-1. */
  uint(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.digits(value, digits);
  }

  /** Appends the last `count` digits of an integer from 0 to 2^32-1, padded with zeros. */
  digits(value: number, count: number): void {
    this.#reserve(count);
    const bytes = this.#bytes;
    let rest = value >>> 0;
    for (let at = this.#length + count - 1; at >= this.#length; at--) {
      const tenth = Math.floor(rest / 10);
      bytes[at] = ZERO + rest - 10 * tenth;
      rest = tenth;
    }
    this.#length += count;
  }

  #reserve(count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(count);
  }

  #grow(count: number): void {
    const larger = new Uint8Array(2 * (this.#length + count));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
