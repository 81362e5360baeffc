import { once } from "node:events";
import type { Socket } from "node:net";
import { FLAG, FRAME, FRAME_HEADER_BYTES, huffman, PREFACE, ping, settings, settingsAck } from "./frames.js";
import { type CallName, PATHS } from "./messages.js";

/** A call that a client makes of a {@link ServerConnection}. */
export interface ReceivedCall {
  readonly name: CallName | undefined;
  readonly streamId: number;
  /** The first message of the request, encoded. */
  readonly message: Promise<Uint8Array>;
}

export interface ServerConnectionOptions {
  /** The connection below TLS; without TLS the socket itself. */
  readonly tcp?: Socket;
  /** Whether it answers the preface with SETTINGS, and the client's SETTINGS and PING. */
  readonly greets: boolean;
  readonly onCall: (call: ReceivedCall) => void;
}

interface OpenCall extends ReceivedCall {
  body: Buffer;
  readonly complete: (message: Uint8Array) => void;
}

const MESSAGE_HEADER_BYTES = 5;

const PATH_CODES = Object.entries(PATHS).map(
  // The keys of PATHS are the names of calls.
  ([name, path]) => ({ name: name as CallName, code: huffman(path) }),
);

/**
 * The server's end of a connection, on raw bytes: reads what the client sends, answers SETTINGS and PING correctly, and leaves everything
 * else to the test.
 */
export class ServerConnection {
  readonly socket: Socket;
  /** The client has sent its preface. */
  readonly preface: Promise<void>;
  /** The client has acknowledged our SETTINGS. */
  readonly acknowledged: Promise<void>;
  readonly closed: Promise<unknown>;
  readonly #tcp: Socket;
  #greets: boolean;
  readonly #onCall: (call: ReceivedCall) => void;
  readonly #calls = new Map<number, OpenCall>();
  readonly #pings = new Map<string, () => void>();
  #resolvePreface!: () => void;
  #resolveAcknowledged!: () => void;
  #received = Buffer.alloc(0);
  #begun = false;
  #pingCount = 0;

  constructor(socket: Socket, { tcp = socket, greets, onCall }: ServerConnectionOptions) {
    this.socket = socket;
    this.#tcp = tcp;
    this.#greets = greets;
    this.#onCall = onCall;
    this.preface = new Promise((resolve) => (this.#resolvePreface = resolve));
    this.acknowledged = new Promise((resolve) => (this.#resolveAcknowledged = resolve));
    this.closed = socket.destroyed ? Promise.resolve() : once(socket, "close").catch(() => {});
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  send(...frames: readonly Uint8Array[]): void {
    if (this.socket.writable && frames.length > 0) this.socket.write(Buffer.concat(frames));
  }

  /** Resolves when the client has read everything that was sent so far, or has disconnected. */
  async roundTrip(): Promise<void> {
    const data = `ping${this.#pingCount++}`.padEnd(8, "-");
    const answered = new Promise<void>((resolve) => this.#pings.set(data, resolve));
    this.send(ping(data));
    await Promise.race([answered, this.closed]);
  }

  /** Ends the connection with RST instead of FIN. */
  reset(): void {
    if (!this.#tcp.destroyed) this.#tcp.resetAndDestroy();
    this.socket.destroy();
  }

  /** Stops responding, even if the socket is still read. */
  stopReading(): void {
    this.#greets = false;
    this.socket.pause();
  }

  #read(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (!this.#begun) {
      if (this.#received.length < PREFACE.length) return;
      this.#received = this.#received.subarray(PREFACE.length);
      this.#begun = true;
      // SETTINGS come before anything else from a server.
      if (this.#greets) this.send(settings());
      this.#resolvePreface();
    }
    while (this.#received.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + this.#received.readUIntBE(0, 3);
      if (this.#received.length < end) return;
      const [type = 0, flags = 0] = this.#received.subarray(3, 5);
      const streamId = this.#received.readUInt32BE(5);
      this.#take(type, flags, streamId, this.#received.subarray(FRAME_HEADER_BYTES, end));
      this.#received = this.#received.subarray(end);
    }
  }

  #take(type: number, flags: number, streamId: number, payload: Buffer): void {
    const isAck = (flags & FLAG.ACK) !== 0;
    switch (type) {
      case FRAME.SETTINGS:
        if (isAck) this.#resolveAcknowledged();
        else if (this.#greets) this.send(settingsAck());
        break;
      case FRAME.PING:
        if (isAck) this.#pings.get(payload.toString("latin1"))?.();
        else if (this.#greets) this.send(ping(payload.toString("latin1"), { ack: true }));
        break;
      case FRAME.HEADERS:
        this.#begin(streamId, payload);
        break;
      case FRAME.DATA:
        this.#takeBody(streamId, payload);
        break;
    }
  }

  #begin(streamId: number, block: Buffer): void {
    const name = PATH_CODES.find(({ code }) => block.includes(code))?.name;
    let complete!: (message: Uint8Array) => void;
    const message = new Promise<Uint8Array>((resolve) => (complete = resolve));
    const call: OpenCall = { name, streamId, message, complete, body: Buffer.alloc(0) };
    this.#calls.set(streamId, call);
    this.#onCall(call);
  }

  #takeBody(streamId: number, payload: Buffer): void {
    const call = this.#calls.get(streamId);
    if (call === undefined) return;
    call.body = Buffer.concat([call.body, payload]);
    if (call.body.length < MESSAGE_HEADER_BYTES) return;
    const end = MESSAGE_HEADER_BYTES + call.body.readUInt32BE(1);
    if (call.body.length >= end) call.complete(call.body.subarray(MESSAGE_HEADER_BYTES, end));
  }
}
