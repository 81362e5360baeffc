import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** The side of an HTTP/2 connection. */
export type Http2Role = "client" | "server";

/** Received bytes kept: enough for the first line of another protocol. */
const FIRST_BYTES = 64;

/**
 * The socket below an HTTP/2 session of a client or a server. Node's session does not report everything that its owner has to know:
 * what a peer sent that does not speak HTTP/2, and that it has given a connection up because the peer broke the protocol
 * (a server on every version, a client on Node 20). Both are seen in the bytes. So the session reads and writes through this stream, which costs about 1 ms of processor time
 * for each megabyte.
 *
 * It never emits `error`: `failure` holds it, and `close` follows.
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
   * @param socket Connected; owned from now on.
   * @param role What the session above is.
   * @param onGiveUp Called when the session sends GOAWAY with an error.
   */
  constructor(socket: Socket, role: Http2Role, onGiveUp: (http2Code: number) => void) {
    super();
    this.#socket = socket;
    this.#sent = new GoawayScanner(role);
    this.#onGiveUp = onGiveUp;
    // As Node does for a session over a socket: else small frames wait for an acknowledgement, up to 40 ms each.
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
      // After an orderly end the session reads what is left, and then closes by itself.
      if (!this.#hasEnded || this.#failure !== undefined) this.destroy();
    });
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The first 64 bytes that were received, or fewer. */
  get firstBytes(): Uint8Array {
    return this.#firstBytes;
  }

  /** The error of the system or of TLS that ended the connection, if one did. */
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

  /** Closes the connection when what was written is sent, whether the peer closes its side or not. */
  finish(): void {
    this.#socket.destroySoon();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const http2Code = this.#sent.scan(chunk);
    // A write that fails closes the socket, which says why.
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

/** Finds GOAWAY in what one side of an HTTP/2 connection sends, however it is cut into chunks. */
export class GoawayScanner {
  /** Bytes to pass over before the next frame. */
  #skip: number;
  /** The beginning of a frame: its header, and of a GOAWAY its error code as well. */
  readonly #frame = Buffer.alloc(GOAWAY_BYTES);
  #filled = 0;

  constructor(sender: Http2Role) {
    // Only a client sends a preface before its frames.
    this.#skip = sender === "client" ? PREFACE_BYTES : 0;
  }

  /** The error code of the last GOAWAY whose code the chunk completes. */
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
