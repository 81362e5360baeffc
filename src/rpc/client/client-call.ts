import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { onAbort } from "../../async/abort.js";
import { Wakeup } from "../../async/wakeup.js";
import type { RpcError } from "../../recorder/service/error.js";
import { resetError, responseError } from "./http2-status.js";

/** Received bytes to queue for the reader before flow control stops the server. */
const MAX_QUEUED_BYTES = 256 * 1024;

/** State of the connection that a call needs. */
export interface CallConnection {
  /** Whether the connection is lost, so that its streams close. */
  readonly isLost: boolean;
  readonly failure: RpcError;
}

/**
 * One call over HTTP/2. The first of these events decides its outcome: the end of the response, a reset, the end of the
 * connection, or the signal. All waits of the call then end. Bytes received before a failure can still be read, unless
 * the call was cancelled.
 */
export class ClientCall {
  /** Resolves when the call has ended, with any outcome. */
  readonly ended: Promise<void>;
  readonly #stream: ClientHttp2Stream;
  readonly #connection: CallConnection;
  #removeListener = () => {};
  #headers: IncomingHttpHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #outcome: { readonly error?: unknown } | undefined;
  #onEnded!: () => void;
  /** Wakes the reader: headers or bytes have arrived, or the call has ended. */
  readonly #readable = new Wakeup();
  /** Wakes the writer: more can be sent, or the call has ended. */
  readonly #writable = new Wakeup();

  constructor(stream: ClientHttp2Stream, connection: CallConnection, signal: AbortSignal) {
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
    this.#stream = stream;
    this.#connection = connection;
    stream.once("response", (headers) => {
      this.#headers = headers;
      this.#readable.wake();
    });
    stream.on("data", (chunk: Uint8Array) => this.#receive(chunk));
    stream.once("trailers", (trailers) => (this.#trailers = trailers));
    stream.on("drain", () => this.#writable.wake());
    stream.once("end", () => this.#settleWithResponse());
    // "close" follows; the connection or the reset code identifies the cause.
    stream.on("error", () => {});
    stream.once("close", () => this.#settleWithResponse());
    this.#removeListener = onAbort(signal, () => this.cancel(signal.reason));
  }

  /** Sends bytes of the request; resolves when more can be sent, or with false if the call has ended. */
  async send(bytes: Uint8Array): Promise<boolean> {
    if (this.#outcome === undefined && !this.#stream.write(bytes)) {
      await this.#writable.wait();
    }
    return this.#outcome === undefined;
  }

  /** Ends the request. */
  endSending(): void {
    this.#stream.end();
  }

  /**
   * Waits for the headers of the response.
   *
   * @throws RpcError, also for a response that is not gRPC; the signal's reason.
   */
  async response(): Promise<IncomingHttpHeaders> {
    while (this.#headers === undefined) {
      if (this.#outcome !== undefined) throw this.#outcome.error;
      await this.#readable.wait();
    }
    const error = responseError(Number(this.#headers[":status"]), this.#headers["content-type"]);
    if (error !== undefined) throw error;
    return this.#headers;
  }

  /**
   * Returns the bytes received since the last call, or undefined at the end. The caller owns the buffers.
   *
   * @throws RpcError after all received bytes; the signal's reason at once.
   */
  async next(): Promise<Uint8Array[] | undefined> {
    for (;;) {
      if (this.#queue.length > 0) return this.#takeQueue();
      if (this.#outcome !== undefined) {
        if ("error" in this.#outcome) throw this.#outcome.error;
        return undefined;
      }
      await this.#readable.wait();
    }
  }

  /** The headers with the status: the trailers, or the headers of a response without a body. */
  get trailers(): IncomingHttpHeaders {
    return this.#trailers ?? this.#headers ?? {};
  }

  /** Cancels the call and discards received bytes; no effect on the outcome of a call that has ended. */
  cancel(reason?: unknown): void {
    this.#discardQueue();
    this.#settle({ error: reason });
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** Ends the call because its connection has ended. */
  fail(error: RpcError): void {
    this.#settle({ error });
  }

  #receive(chunk: Uint8Array): void {
    if (this.#outcome !== undefined) return;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) this.#stream.pause();
    this.#readable.wake();
  }

  #takeQueue(): Uint8Array[] {
    const queue = this.#queue;
    this.#discardQueue();
    if (this.#stream.isPaused()) this.#stream.resume();
    return queue;
  }

  #discardQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  /** Settles after the end of the stream: successfully if a status and everything before it was received. */
  #settleWithResponse(): void {
    const isRead = this.#stream.readableLength === 0 && !this.#stream.isPaused();
    if (isRead && "grpc-status" in this.trailers) this.#settle({});
    else if (this.#connection.isLost) this.#settle({ error: this.#connection.failure });
    else this.#settle({ error: resetError(this.#stream.rstCode ?? constants.NGHTTP2_NO_ERROR) });
  }

  #settle(outcome: { readonly error?: unknown }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#removeListener();
    this.#readable.wake();
    this.#writable.wake();
    this.#onEnded();
  }
}
