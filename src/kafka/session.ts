import { orAbort, sleep } from "../async/abort.js";
import type { Clock } from "../async/clock.js";
import { Wakeup } from "../async/wakeup.js";
import type { BrokerSession, ReceivedBatch } from "../broker/broker-source.js";
import { MESSAGE_HEADERS, readMessage } from "../broker/message.js";
import type { UndecodableMessage } from "../broker/source-stats.js";
import { isObject } from "../errors/value-checks.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import {
  type KafkaBatchPayload,
  type KafkaConsumerLike,
  type KafkaPeer,
  type KafkaServerOptions,
  kafkaError,
  openPeer,
  RETRY,
  type ReceivedKafkaMessage,
} from "./client.js";
import { type Lease, Partitions } from "./partitions.js";

export interface KafkaSessionOptions {
  readonly server: KafkaServerOptions;
  readonly topic: string;
  readonly groupId: string;
  readonly start: "first" | "new";
  readonly maxBatch: number;
  readonly sessionTimeoutMs: number;
  readonly clock: Clock;
  readonly onUndecodable: (message: UndecodableMessage) => void;
}

/** Messages of a partition that are read and not yet yielded. */
interface Chunk {
  readonly lease: Lease;
  readonly messages: readonly ReceivedKafkaMessage[];
  /** The offset to commit when they are acknowledged. */
  readonly nextOffset: bigint;
}

/** What is committed for a batch. */
export type KafkaCommit = Pick<Chunk, "lease" | "nextOffset">;

/** The names of the events of kafkajs. */
const GROUP_JOIN = "consumer.group_join";
const COMMIT_OFFSETS = "consumer.commit_offsets";
const CRASH = "consumer.crash";

/** Part of the event {@link COMMIT_OFFSETS}; an offset is a number of 64 bits of some kind. */
interface CommittedTopic {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: unknown }[];
}

/** How long a fetch waits for messages, in milliseconds. The end of the source waits as long. */
const MAX_WAIT_MS = 500;

/** Milliseconds before a commit is repeated. */
const RETRY_MS = 250;

/** Opens the consumer and joins the group. Leaves nothing open if it rejects. */
export async function openKafkaSession(
  options: KafkaSessionOptions,
  signal: AbortSignal,
): Promise<KafkaSession> {
  const { groupId, topic, start, sessionTimeoutMs: sessionTimeout } = options;
  const peer = await openPeer(options.server);
  let session: KafkaSession | undefined;
  const config = {
    ...{ groupId, sessionTimeout, maxWaitTimeInMs: MAX_WAIT_MS, allowAutoTopicCreation: false },
    heartbeatInterval: Math.floor(sessionTimeout / 10),
    // Errors before the first assignment are reported. Later ones may pass, and kafkajs reconnects.
    retry: { ...RETRY, restartOnFailure: async () => session?.hasJoined === true },
  };
  const consumer = peer.client.consumer(config);
  const opened = new KafkaSession(peer, consumer, options);
  session = opened;
  const opening = (async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: start === "first" });
    await opened.run();
  })();
  try {
    await orAbort(opening, signal);
    return opened;
  } catch (error) {
    opened.end();
    // In any case after the attempt has ended: a consumer that connects later would stay open.
    const closed = opening.then(
      () => opened.close(),
      () => opened.close(),
    );
    if (signal.aborted) {
      closed.catch(() => {});
      throw error;
    }
    await closed.catch(() => {});
    throw kafkaError("source_failed", `cannot read ${topic}`, error, peer.redactor);
  }
}

/** Reads the partitions that the group assigns to this consumer, and commits offsets. */
export class KafkaSession implements BrokerSession<KafkaCommit> {
  readonly ackWaitMs: number;
  readonly #peer: KafkaPeer;
  readonly #consumer: KafkaConsumerLike;
  readonly #options: KafkaSessionOptions;
  readonly #partitions = new Partitions();
  readonly #changed = new Wakeup();
  readonly #removers: (() => void)[];
  #chunks: Chunk[] = [];
  #queued = 0;
  #isPaused = false;
  #hasJoined = false;
  #state: "reading" | "ended" | "closed" = "reading";
  #failure: { readonly error: unknown } | undefined;

  constructor(peer: KafkaPeer, consumer: KafkaConsumerLike, options: KafkaSessionOptions) {
    this.#peer = peer;
    this.#consumer = consumer;
    this.#options = options;
    this.ackWaitMs = options.sessionTimeoutMs;
    this.#removers = [
      consumer.on(GROUP_JOIN, ({ payload }) => this.#onJoin(payload)),
      consumer.on(COMMIT_OFFSETS, ({ payload }) => this.#onCommit(payload)),
      consumer.on(CRASH, ({ payload }) => this.#onCrash(payload)),
    ];
  }

  /** Whether the group has assigned partitions to this consumer at least once. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Starts the consumer. Call it once, when the consumer is connected. */
  async run(): Promise<void> {
    await this.#consumer.run({
      autoCommit: false,
      // The position of the next fetch is set when the messages are queued.
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => this.#onBatch(payload),
    });
  }

  async next(): Promise<ReceivedBatch<KafkaCommit> | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#state !== "reading") return undefined;
      if (this.#failure !== undefined) {
        const { topic } = this.#options;
        throw kafkaError("source_failed", `reading ${topic}`, this.#failure.error, this.#peer.redactor);
      }
      await this.#changed.wait();
    }
    // True because the loop has ended with at least one.
    const chunk = this.#chunks.shift() as Chunk;
    this.#queued -= chunk.messages.length;
    if (this.#queued < this.#options.maxBatch) this.#resume();
    return this.#decode(chunk);
  }

  end(): void {
    if (this.#state !== "reading") return;
    this.#state = "ended";
    this.#discard(() => false);
    this.#pause();
    this.#changed.wake();
  }

  async acknowledge({ lease, nextOffset }: KafkaCommit): Promise<boolean> {
    const { topic, clock, sessionTimeoutMs } = this.#options;
    const endMs = clock.now() + sessionTimeoutMs;
    for (;;) {
      // Another consumer has the partition, and has begun at the last committed offset.
      if (!this.#partitions.isCurrent(lease)) return false;
      if (lease.committed !== undefined && lease.committed >= nextOffset) return true;
      try {
        await this.#consumer.commitOffsets([
          { topic, partition: lease.partition, offset: String(nextOffset) },
        ]);
        // kafkajs also resolves without a commit, while it is restarting.
        if (lease.committed === undefined || lease.committed < nextOffset)
          throw new Error("the consumer is not a member of the group at the moment");
        return true;
      } catch (error) {
        if (this.#state === "closed" || this.#failure !== undefined || clock.now() >= endMs)
          throw kafkaError("source_failed", `committing an offset of ${topic}`, error, this.#peer.redactor);
        // Also while the group is rebalancing: the lease then ends, or the commit succeeds.
        await sleep(RETRY_MS, clock);
      }
    }
  }

  async close(): Promise<void> {
    this.#state = "closed";
    for (const remove of this.#removers) remove();
    await this.#consumer.disconnect();
  }

  #onBatch({ batch, resolveOffset, isRunning, isStale }: KafkaBatchPayload): void {
    const lease = this.#partitions.leaseOf(batch.partition);
    if (this.#state !== "reading" || lease === undefined || !isRunning() || isStale()) return;
    const { maxBatch } = this.#options;
    const { messages } = batch;
    for (let start = 0; start < messages.length; start += maxBatch) {
      const part = messages.slice(start, start + maxBatch);
      const isLast = start + maxBatch >= messages.length;
      // The last offset may be behind the last message: markers of transactions have offsets, too.
      const lastOffset = isLast ? batch.lastOffset() : (part.at(-1)?.offset ?? batch.lastOffset());
      this.#chunks.push({ lease, messages: part, nextOffset: BigInt(lastOffset) + 1n });
      this.#queued += part.length;
    }
    const last = messages.at(-1);
    if (last !== undefined) resolveOffset(last.offset);
    if (this.#queued >= this.#options.maxBatch) this.#pause();
    this.#changed.wake();
  }

  /** The group has a new assignment. */
  #onJoin(payload: unknown): void {
    this.#hasJoined = true;
    const { memberAssignment } = payload as { memberAssignment?: Readonly<Record<string, number[]>> };
    const ended = this.#partitions.assign(memberAssignment?.[this.#options.topic] ?? []);
    this.#discard(({ lease }) => !ended.has(lease));
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#pause();
    }
    if (this.#queued < this.#options.maxBatch && this.#state === "reading") this.#resume();
  }

  /** The broker has confirmed offsets. */
  #onCommit(payload: unknown): void {
    const { topics } = payload as { topics: readonly CommittedTopic[] };
    for (const { topic, partitions } of topics) {
      if (topic !== this.#options.topic) continue;
      for (const { partition, offset } of partitions) {
        const lease = this.#partitions.leaseOf(partition);
        if (lease !== undefined) lease.committed = BigInt(String(offset));
      }
    }
  }

  #onCrash(payload: unknown): void {
    const { error, restart } = payload as { error?: unknown; restart?: boolean };
    if (restart === true) return;
    this.#failure = { error: error ?? new Error("the consumer has crashed") };
    this.#changed.wake();
  }

  #discard(isKept: (chunk: Chunk) => boolean): void {
    this.#chunks = this.#chunks.filter(isKept);
    this.#queued = this.#chunks.reduce((sum, { messages }) => sum + messages.length, 0);
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = this.#try(() => this.#consumer.pause([{ topic: this.#options.topic }]));
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = !this.#try(() => this.#consumer.resume([{ topic: this.#options.topic }]));
  }

  /** kafkajs throws while it is restarting after a crash; the next assignment tries again. */
  #try(action: () => void): boolean {
    try {
      action();
      return true;
    } catch {
      return false;
    }
  }

  #decode({ lease, messages, nextOffset }: Chunk): ReceivedBatch<KafkaCommit> {
    const batch: EncodedEvent[] = [];
    for (const { value, headers, offset } of messages) {
      const body = value ?? new Uint8Array();
      const { event, fault } = readMessage(body, textHeader(headers, MESSAGE_HEADERS.version));
      if (event !== undefined) batch.push(event);
      else {
        const position = `topic ${this.#options.topic}, partition ${lease.partition}, offset ${offset}`;
        this.#options.onUndecodable({ position, body, reason: fault });
      }
    }
    const acknowledgement = { lease, nextOffset };
    return { batch, undecodable: messages.length - batch.length, acknowledgement };
  }
}

/** A header of kafkajs is a Buffer, a string, or a list of these. */
function textHeader(headers: object | undefined, name: string): string | undefined {
  const value = isObject(headers) ? (headers as Readonly<Record<string, unknown>>)[name] : undefined;
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return first instanceof Uint8Array
    ? new TextDecoder().decode(first)
    : first === undefined
      ? undefined
      : String(first);
}
