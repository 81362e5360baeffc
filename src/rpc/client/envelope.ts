import { RpcError } from "../../recorder/service/error.js";

// Framing of messages: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
const COMPRESSED = 0;
const LENGTH = 1;
const HEADER_LENGTH = 5;

/** Splits the bytes of a gRPC stream into messages; buffers the beginning of an incomplete message. */
export class EnvelopeSplitter {
  readonly #maxMessageBytes: number;
  /** The beginning of an incomplete message, including its header. */
  #rest = new Uint8Array(0);
  /** Filled bytes of {@link #rest}, which has the length of the whole message once that is known. */
  #filled = 0;
  #fault: RpcError | undefined;

  constructor(maxMessageBytes: number) {
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Whether the stream is inside a message. */
  get isInside(): boolean {
    return this.#filled > 0;
  }

  /** The error that ends the stream after the returned messages: the next message is too long or compressed. */
  get fault(): RpcError | undefined {
    return this.#fault;
  }

  /**
   * Returns the messages that a chunk completes; a message that lies completely in the chunk is a view of it.
   *
   * @throws RpcError for a message that is too long or compressed. If other messages precede it in the chunk, they are
   *   returned instead, and `fault` is set.
   */
  split(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    try {
      this.#split(chunk, messages);
    } catch (error) {
      // True because only `#lengthAt` throws, and only RpcErrors.
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

  /** Continues an incomplete message; returns the number of bytes used from the chunk. */
  #complete(chunk: Uint8Array, messages: Uint8Array[]): number {
    let at = 0;
    while (this.#filled > 0) {
      const copied = Math.min(this.#rest.length - this.#filled, chunk.length - at);
      this.#rest.set(chunk.subarray(at, at + copied), this.#filled);
      this.#filled += copied;
      at += copied;
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
      throw new RpcError(
        "INTERNAL",
        "the server sent a compressed message, though the client did not offer compression",
      );
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
