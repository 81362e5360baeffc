import { loadPackage } from "../broker/optional-package.js";
import { FlowscribeError } from "../errors/errors.js";
import { type NatsPeer, natsError } from "./connection.js";

/** The part of a message of JetStream that the source uses. */
export interface StreamMessage {
  readonly subject: string;
  /** The number of the message in its stream. */
  readonly seq: number;
  readonly data: Uint8Array;
  /** Where it is acknowledged. */
  readonly reply: string;
  readonly headers?: { get(name: string): string } | undefined;
  /** Extends the time in which it must be acknowledged. */
  working(): void;
  /** Asks the server to deliver it again at once. */
  nak(): void;
  /** Asks the server never to deliver it again. */
  term(): void;
}

/** A pull consumer: a cursor of a stream that the server keeps. */
export interface StreamConsumer {
  /** Milliseconds after which the server delivers a message again that was not acknowledged. */
  readonly ackWaitMs: number;
  /** Requests messages. `closed` resolves when all have arrived, after `expires`, or with the error that ended the request. */
  fetch(options: {
    readonly max_messages: number;
    readonly expires: number;
    readonly idle_heartbeat: number;
    readonly callback: (message: StreamMessage) => void;
  }): Promise<MessageRequest>;
  /** Rejects if the consumer does not exist any more, or the server does not answer. */
  info(): Promise<unknown>;
}

/** A pending request for messages. */
export interface MessageRequest {
  // biome-ignore lint/suspicious/noConfusingVoidType: the type of the client.
  closed(): Promise<void | Error>;
  // biome-ignore lint/suspicious/noConfusingVoidType: the type of the client.
  close(): Promise<void | Error>;
}

/** How a consumer is created if it does not exist. */
export interface CreateConsumer {
  /** Only messages of these subjects, which may have wildcards. By default all of the stream. */
  readonly filterSubject?: string;
  /** Where it begins: with the first message of the stream (default), or with the next one. */
  readonly start?: "first" | "new";
  /** Milliseconds after which a message that was not acknowledged is delivered again; default 30,000, at least 1,000. */
  readonly ackWaitMs?: number;
  /** The most messages that are delivered and not acknowledged, to all readers together; default 10,000. */
  readonly maxAckPending?: number;
}

export interface OpenConsumerOptions {
  readonly stream: string;
  readonly consumer: string;
  readonly create: CreateConsumer | undefined;
  readonly timeoutMs: number;
}

const DEFAULT_ACK_WAIT_MS = 30_000;
const DEFAULT_MAX_ACK_PENDING = 10_000;

const NANOSECONDS_PER_MILLISECOND = 1_000_000;

/** JetStream's error for a consumer that does not exist. */
const CONSUMER_NOT_FOUND = 10014;

/** JetStream's error for a stream that does not exist. */
const STREAM_NOT_FOUND = 10059;

/**
 * Opens a durable consumer, and creates it if it does not exist and `create` is set. An existing one is used as it is.
 *
 * @throws FlowscribeError `source_failed` if it does not exist, is of the wrong kind, or the server does not answer.
 */
export async function openConsumer(peer: NatsPeer, options: OpenConsumerOptions): Promise<StreamConsumer> {
  const { stream, consumer: name, create, timeoutMs } = options;
  const { AckPolicy, DeliverPolicy, jetstreamManager } = await loadPackage(
    "@nats-io/jetstream",
    () => import("@nats-io/jetstream"),
  );
  // True because the options ask for a NatsConnection; its type would require the package of every program.
  const connection = peer.connection as Parameters<typeof jetstreamManager>[0];
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: timeoutMs });
    const { consumers } = manager.jetstream();
    let config = await manager.consumers.info(stream, name).then(
      (info) => info.config,
      (error) => {
        if (create === undefined || apiCodeOf(error) !== CONSUMER_NOT_FOUND) throw error;
        return undefined;
      },
    );
    config ??= (
      await manager.consumers.add(stream, {
        durable_name: name,
        ack_policy: AckPolicy.Explicit,
        ack_wait: (create?.ackWaitMs ?? DEFAULT_ACK_WAIT_MS) * NANOSECONDS_PER_MILLISECOND,
        max_ack_pending: create?.maxAckPending ?? DEFAULT_MAX_ACK_PENDING,
        deliver_policy: create?.start === "new" ? DeliverPolicy.New : DeliverPolicy.All,
        ...(create?.filterSubject !== undefined && { filter_subject: create.filterSubject }),
      })
    ).config;
    if (config.ack_policy !== AckPolicy.Explicit || config.deliver_subject !== undefined)
      throw new Error(`it must be a pull consumer with explicit acknowledgements: choose another name`);
    const opened = await consumers.get(stream, name);
    const ackWaitNanos = config.ack_wait ?? DEFAULT_ACK_WAIT_MS * NANOSECONDS_PER_MILLISECOND;
    return {
      ackWaitMs: Math.max(1, Math.floor(ackWaitNanos / NANOSECONDS_PER_MILLISECOND)),
      fetch: (request) => opened.fetch(request),
      info: () => opened.info(),
    };
  } catch (error) {
    if (error instanceof FlowscribeError) throw error;
    const hint = apiCodeOf(error) === CONSUMER_NOT_FOUND ? " (set the option create to have it created)" : "";
    throw natsError("source_failed", `consumer ${name} of stream ${stream}${hint}`, error, peer.redactor);
  }
}

/** Whether an error says that a stream or consumer does not exist, so that trying again is useless. */
export function isGone(error: unknown): boolean {
  const code = apiCodeOf(error);
  if (code === CONSUMER_NOT_FOUND || code === STREAM_NOT_FOUND) return true;
  // A pending request gets a status, whose only sign is its text.
  return error instanceof Error && /\b(consumer|stream) deleted\b/i.test(error.message);
}

function apiCodeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}
