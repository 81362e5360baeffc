import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext } from "node:tls";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { onAbort, sleep } from "../../async/abort.js";
import { type Clock, systemClock } from "../../async/clock.js";
import { FlowscribeError, OptionsError } from "../../errors/errors.js";
import { codeOf, messageOf } from "../../errors/message.js";
import { HTTP_DEFAULTS, type HttpOptions } from "./options.js";
import { retryAfterMs } from "./retry-after.js";
import { createRedactor, describeUrl } from "./secrets.js";

/** What is read of an answer. The rest of a longer one is not read, and its connection is closed. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Statuses whose Retry-After says when the server is ready again: RFC 9110, section 10.2.3, and RFC 6585. */
const BUSY = [429, 503];

const gzipAsync = promisify(gzip);

/** The answer to a request. */
export interface HttpAnswer {
  readonly status: number;
  /** The first {@link MAX_ANSWER_BYTES} of the body. */
  readonly body: Uint8Array;
  readonly isComplete: boolean;
  /** Without parameters, in lower case; empty if the answer has none. */
  readonly contentType: string;
}

/** A request: its body, and what differs between requests. */
export interface HttpPost {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Added to the query of the URL. */
  readonly query?: Readonly<Record<string, string>>;
}

/**
 * Sends requests to one URL, one at a time. Every request is bounded in time, and every answer in bytes. Redirects are not
 * followed.
 */
export class HttpClient {
  /** The URL for messages, without secrets. */
  readonly name: string;
  /** Removes secrets from a text. */
  readonly redact: (text: string) => string;
  readonly #url: URL;
  readonly #options: HttpOptions;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;
  readonly #ownAgent: HttpAgent | undefined;
  /** When the server wants the next request. */
  #readyAtMs = 0;

  /** @throws OptionsError for invalid certificates and keys. */
  constructor(url: URL, options: HttpOptions) {
    this.#url = url;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.name = describeUrl(url);
    this.redact = createRedactor(url, options.headers ?? {});
    this.#ownAgent = options.agent === undefined ? createAgent(url, options) : undefined;
    this.#agent = options.agent ?? this.#ownAgent!;
  }

  /**
   * Sends a request, after the time that an earlier answer has named, and returns the answer with any status.
   *
   * @throws FlowscribeError `sink_failed` if there is no complete answer; the signal's reason.
   */
  async post(post: HttpPost, signal?: AbortSignal): Promise<HttpAnswer> {
    const delayMs = this.#readyAtMs - this.#clock.now();
    if (delayMs > 0) await sleep(delayMs, this.#clock, signal);
    signal?.throwIfAborted();
    const body = this.#options.gzip ? await gzipAsync(post.body) : post.body;
    signal?.throwIfAborted();
    // The server may close an idle connection just when it is used again: then the request is repeated once.
    const answer = await this.#exchange(post, body, signal, true);
    return answer ?? (await this.#exchange(post, body, signal, false))!;
  }

  /** Closes the connections. */
  close(): void {
    this.#ownAgent?.destroy();
  }

  /** @param mayBeStale Whether the result is undefined if a kept connection was closed before the answer. */
  #exchange(
    post: HttpPost,
    body: Uint8Array,
    signal: AbortSignal | undefined,
    mayBeStale: boolean,
  ): Promise<HttpAnswer | undefined> {
    const { timeoutMs = HTTP_DEFAULTS.timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const request = (this.#url.protocol === "https:" ? httpsRequest : httpRequest)(
        withQuery(this.#url, post.query),
        this.#requestOptions(post, body),
      );
      const settle = (action: () => void) => {
        cancelTimer();
        removeListener();
        action();
      };
      const fail = (error: unknown) =>
        settle(() => {
          reject(error);
          request.destroy();
        });
      const cancelTimer = this.#clock.setTimer(timeoutMs, () =>
        fail(this.#failure(`no complete answer within ${timeoutMs} ms`)),
      );
      const removeListener = onAbort(signal, () => fail(signal?.reason));
      request.on("error", (error) => {
        const isStale = mayBeStale && request.reusedSocket && codeOf(error) === "ECONNRESET";
        if (isStale) settle(() => resolve(undefined));
        else fail(this.#failure(reasonOf(error), error));
      });
      request.on("upgrade", (_, socket) => {
        socket.destroy();
        fail(this.#failure("the server switches protocols (status 101)"));
      });
      request.on("response", (response) => {
        readAnswer(response).then(
          (answer) =>
            settle(() => {
              // Otherwise the agent would keep a connection on which the rest of the request is still sent.
              if (!answer.isComplete || !request.writableFinished) request.destroy();
              this.#noteRetryAfter(response);
              resolve(answer);
            }),
          (error) => fail(this.#failure(`the answer is incomplete: ${reasonOf(error)}`, error)),
        );
      });
      request.end(body);
    });
  }

  #requestOptions({ contentType, headers }: HttpPost, body: Uint8Array): RequestOptions {
    return {
      method: "POST",
      agent: this.#agent,
      headers: {
        ...this.#options.headers,
        ...headers,
        "Content-Type": contentType,
        "Content-Length": body.length,
        ...(this.#options.gzip && { "Content-Encoding": "gzip" }),
      },
    };
  }

  #noteRetryAfter({ statusCode = 0, headers }: IncomingMessage): void {
    if (!BUSY.includes(statusCode)) return;
    const { maxRetryAfterMs = HTTP_DEFAULTS.maxRetryAfterMs } = this.#options;
    const now = this.#clock.now();
    this.#readyAtMs = now + Math.min(retryAfterMs(headers["retry-after"], now), maxRetryAfterMs);
  }

  #failure(reason: string, cause?: unknown): FlowscribeError {
    // Errors of the parser have the bytes of the answer, which may repeat secrets.
    const options = cause === undefined || Object.hasOwn(Object(cause), "rawPacket") ? {} : { cause };
    return new FlowscribeError("sink_failed", `POST ${this.name}: ${this.redact(reason)}`, options);
  }
}

function createAgent(url: URL, { tls, timeoutMs = HTTP_DEFAULTS.timeoutMs }: HttpOptions): HttpAgent {
  const options = { keepAlive: true, maxSockets: 1, timeout: timeoutMs };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new OptionsError([{ path: "tls", message: messageOf(error) }]);
  }
  return url.protocol === "https:" ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
}

function withQuery(url: URL, query: HttpPost["query"]): URL {
  if (query === undefined) return url;
  const copy = new URL(url);
  for (const [name, value] of Object.entries(query)) copy.searchParams.set(name, value);
  return copy;
}

/** Reads a bounded part of an answer. */
async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isComplete = true;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - length));
    length += chunk.length;
    if (length <= MAX_ANSWER_BYTES) continue;
    isComplete = false;
    break;
  }
  const [contentType = ""] = (response.headers["content-type"] ?? "").split(";");
  return {
    status: response.statusCode ?? 0,
    body: Buffer.concat(chunks),
    isComplete,
    contentType: contentType.trim().toLowerCase(),
  };
}

/** Node reports a failed attempt for each address of a host in one error without a message. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  if (message !== "" || !(error instanceof AggregateError)) return message;
  return error.errors.map(messageOf).join("; ");
}
