import { aClock, type Clock, systemClock } from "../async/clock.js";
import { createBrokerSink } from "../broker/broker-sink.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, anInteger, either, required, valueCheck } from "../errors/value-checks.js";
import type { FlowSink } from "../observer/events/flow-sink.js";
import {
  checkServer,
  DEFAULT_TIMEOUT_MS,
  type NatsServerOptions,
  openPeer,
  SERVER_OPTIONS,
} from "./connection.js";
import { aJetStreamName } from "./name.js";
import { JetStreamPublisher } from "./publisher.js";
import { isSubject, type SubjectOf } from "./subject.js";
import { loadTransport } from "./transport.js";

/** Options of {@link openJetStreamSink}. */
export interface JetStreamSinkOptions extends NatsServerOptions {
  /**
   * The subject of all events, or a function that returns that of an event; see {@link subjectToken} for names in subjects.
   * Events are refused if their subject is invalid.
   */
  readonly subject: SubjectOf;
  /** The stream that must store the events. By default any stream that listens to the subject. */
  readonly stream?: string;
  /** The most messages whose acknowledgement is pending; default 256, at most 100,000. */
  readonly maxPending?: number;
  /** For tests. */
  readonly clock?: Clock;
}

const DEFAULT_MAX_PENDING = 256;

const SINK_OPTIONS: OptionTable<JetStreamSinkOptions> = {
  ...SERVER_OPTIONS,
  subject: required(
    either<string, (...args: never[]) => unknown>(
      (value) => typeof value !== "function",
      valueCheck("a subject without white space and wildcards, or a function", isSubject),
      aFunction,
    ),
  ),
  stream: aJetStreamName,
  maxPending: anInteger(1, 100_000),
  clock: aClock,
};

/**
 * Opens a sink that publishes events to NATS JetStream. Each event is a message: its body has the bytes of the event
 * unchanged, its header `Nats-Msg-Id` the UUID, so that the stream drops repeats within its duplicate window, and the
 * headers `flowscribe-version`, `flowscribe-kind` and `flowscribe-node` describe it.
 *
 * `write` resolves when the stream has acknowledged all messages, and sends up to `maxPending` ahead. It rejects with
 * `sink_failed` if the connection is lost, no stream stores the subject, the stream is full, or no answer arrives for
 * `timeoutMs`; the events can then be written again. While the client reconnects, it waits up to `timeoutMs`. Events that
 * are larger than the server or the stream accepts are refused.
 *
 * Order: the messages of a call are stored in their order. After a failure, those that were not stored at first come
 * behind those that were.
 *
 * @throws OptionsError; FlowscribeError `sink_failed` if the server does not answer or refuses the connection,
 *   `package_missing` without `@nats-io/transport-node`.
 *
 * @example
 * ```ts
 * await using sink = await openJetStreamSink({ servers: "nats://127.0.0.1", subject: "hubble.flows" });
 * await sink.write(events);
 * ```
 */
export async function openJetStreamSink(options: JetStreamSinkOptions): Promise<FlowSink> {
  checkOptions("openJetStreamSink", options, SINK_OPTIONS);
  checkServer(options);
  const { subject, stream, maxPending = DEFAULT_MAX_PENDING, clock = systemClock } = options;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { createInbox, MsgHdrsImpl } = await loadTransport();
  const peer = await openPeer(options, "sink_failed");
  return createBrokerSink(
    "openJetStreamSink",
    new JetStreamPublisher(peer, {
      ...{ subject, stream, maxPending, timeoutMs, clock },
      createHeaders: () => new MsgHdrsImpl(),
      inbox: createInbox(),
    }),
  );
}
