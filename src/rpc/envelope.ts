import { RpcError } from "../recorder/service/error.js";

// A message on the wire: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const COMPRESSED = 0;
const LENGTH = 1;
const HEADER_LENGTH = 5;

/** Splits the bytes of a gRPC stream into messages; the beginning of an incomplete message is kept. */
export class EnvelopeSplitter {
  readonly #maxMessageBytes: number;
  /** The beginning of a message, header included. */
  #rest = new Uint8Array(0);
  /** How much of {@link #rest} is filled; its length is that of the whole message once that is known. */
  #filled = 0;
  #fault: RpcError | undefined;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Whether a message has begun and not ended. */
  get isInside(): boolean {
    return this.#filled > 0;
  }

  /** Why no message follows those that were returned: the next one is too long, or compressed. */
  get fault(): RpcError | undefined {
    return this.#fault;
  }

  /**
   * The messages that a chunk completes, as views of it where they are complete in it.
   *
   * @throws RpcError for one that is too long, or compressed; when there are messages before it they are returned, and
   *   the error is `fault`.
   */
  split(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    try {
      this.#split(chunk, messages);
    } catch (error) {
      // `#lengthAt` throws nothing else.
      this.#fault = error as RpcError;
      if (messages.length === 0) throw error;
    }
    return messages;
  }

  #split(chunk: Uint8Array, messages: Uint8Array[]): void {
    let at = this.#complete(chunk, messages);
    while (chunk.length - at >= HEADER_LENGTH) {
      const end = at + HEADER_LENGTH + this.#lengthAt(chunk, at);
      if (end > chunk.length) break;
      messages.push(chunk.subarray(at + HEADER_LENGTH, end));
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  /** Fills up the message that has begun; returns how much of the chunk that took. */
  #complete(chunk: Uint8Array, messages: Uint8Array[]): number {
    let at = 0;
    while (this.#filled > 0) {
      const taken = Math.min(this.#rest.length - this.#filled, chunk.length - at);
      this.#rest.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled < this.#rest.length) break;
      const wholeLength = HEADER_LENGTH + this.#lengthAt(this.#rest, 0);
      if (wholeLength === this.#filled) {
        messages.push(this.#rest.subarray(HEADER_LENGTH));
        this.#filled = 0;
      } else {
        const header = this.#rest;
        this.#rest = new Uint8Array(wholeLength);
        this.#rest.set(header);
      }
    }
    return at;
  }

  #keep(chunk: Uint8Array, at: number): void {
    const known = chunk.length - at >= HEADER_LENGTH;
    this.#rest = new Uint8Array(HEADER_LENGTH + (known ? this.#lengthAt(chunk, at) : 0));
    this.#rest.set(chunk.subarray(at));
    this.#filled = chunk.length - at;
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    if (bytes[at + COMPRESSED] !== 0) {
      throw new RpcError("INTERNAL", "the server sent a compressed message, though none was asked for");
    }
    const length =
      bytes[at + LENGTH]! * 0x1000000 +
      ((bytes[at + LENGTH + 1]! << 16) | (bytes[at + LENGTH + 2]! << 8) | bytes[at + LENGTH + 3]!);
    if (length > this.#maxMessageBytes) {
      throw new RpcError(
        "RESOURCE_EXHAUSTED",
        `received message larger than max (${length} vs. ${this.#maxMessageBytes})`,
      );
    }
    return length;
  }
}
