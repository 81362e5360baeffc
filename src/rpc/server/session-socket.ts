import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** The role of one side of an HTTP/2 connection. */
export type Http2Role = "client" | "server";

/** Number of received bytes to keep: enough for the first line of another protocol. */
const FIRST_BYTES = 64;

/**
 * A stream between a socket and an HTTP/2 session of a client or server. Node's session does not report what a peer
 * sent that does not speak HTTP/2, nor that the session has abandoned a connection because the peer violated the
 * protocol (on servers in every version, on clients in Node 20). Both are visible in the bytes, so that the session
 * reads and writes through this stream. It costs about 1 ms of CPU time per megabyte.
 *
 * Never emits `error`: the error is in `failure`, and `close` follows.
 */
export class SessionSocket extends Duplex {
  readonly #socket: Socket;
  readonly #sent: GoawayScanner;
  readonly #onGiveUp: (http2Code: number) => void;
  #receivedBytes = 0;
  #firstBytes = Buffer.alloc(0);
  #failure: Error | undefined;
  #hasEnded = false;

  /**
   * @param socket A connected socket; this stream takes ownership.
   * @param role Role of the session.
   * @param onGiveUp Called when the session sends GOAWAY with an error code.
   */
  constructor(socket: Socket, role: Http2Role, onGiveUp: (http2Code: number) => void) {
    super();
    this.#socket = socket;
    this.#sent = new GoawayScanner(role);
    this.#onGiveUp = onGiveUp;
    // As Node does for a session on a socket: otherwise small frames wait up to 40 ms each for an acknowledgement.
    socket.setNoDelay();
    socket.on("data", (chunk: Buffer) => {
      if (this.#firstBytes.length < FIRST_BYTES) {
        this.#firstBytes = Buffer.concat([this.#firstBytes, chunk]).subarray(0, FIRST_BYTES);
      }
      this.#receivedBytes += chunk.length;
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      this.push(null);
    });
    socket.on("error", (error) => {
      this.#failure = error;
    });
    socket.on("close", () => {
      // After an orderly end the session reads the remaining bytes, then closes by itself.
      if (!this.#hasEnded || this.#failure !== undefined) this.destroy();
    });
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The first received bytes, at most 64. */
  get firstBytes(): Uint8Array {
    return this.#firstBytes;
  }

  /** The system or TLS error that ended the connection, if any. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Whether the peer has closed its side. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the connection keeps the process running. */
  setActive(isActive: boolean): void {
    if (isActive) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Closes the connection once written bytes are sent, whether or not the peer closes its side. */
  finish(): void {
    this.#socket.destroySoon();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const http2Code = this.#sent.scan(chunk);
    // A failed write closes the socket, which then reports the error.
    this.#socket.write(chunk, () => callback());
    if (http2Code !== undefined && http2Code !== 0) this.#onGiveUp(http2Code);
  }

  override _final(callback: () => void): void {
    this.#socket.end(() => callback());
  }

  override _destroy(_error: Error | null, callback: (error: null) => void): void {
    this.#socket.destroy();
    callback(null);
  }
}

// https://www.rfc-editor.org/rfc/rfc9113#section-3.4, #section-4.1 and #section-6.8
const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const FRAME_TYPE = 3;
const GOAWAY = 7;
const GOAWAY_CODE = FRAME_HEADER_BYTES + 4;
const GOAWAY_BYTES = FRAME_HEADER_BYTES + 8;

/** Finds GOAWAY frames in the bytes that one side of an HTTP/2 connection sends, in chunks of any size. */
export class GoawayScanner {
  /** Bytes to skip before the next frame. */
  #skip: number;
  /** The beginning of a frame: its header and, for GOAWAY, its error code. */
  readonly #frame = Buffer.alloc(GOAWAY_BYTES);
  #filled = 0;

  constructor(sender: Http2Role) {
    // Only a client sends a preface before its frames.
    this.#skip = sender === "client" ? PREFACE_BYTES : 0;
  }

  /** Returns the error code of the last GOAWAY that the chunk completes up to its code; otherwise undefined. */
  scan(chunk: Uint8Array): number | undefined {
    let code: number | undefined;
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#frame[this.#filled++] = chunk[at++]!;
      if (this.#filled < FRAME_HEADER_BYTES) continue;
      const length = this.#frame.readUIntBE(0, 3);
      if (this.#frame[FRAME_TYPE] !== GOAWAY) {
        this.#skip = length;
        this.#filled = 0;
      } else if (this.#filled === GOAWAY_BYTES) {
        code = this.#frame.readUInt32BE(GOAWAY_CODE);
        this.#skip = length - (GOAWAY_BYTES - FRAME_HEADER_BYTES);
        this.#filled = 0;
      }
    }
    return code;
  }
}
