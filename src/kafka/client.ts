import { loadPackage } from "../broker/optional-package.js";
import { createRedactor, type Redactor, wholeMessage } from "../broker/secrets.js";
import type { OptionTable } from "../errors/check-options.js";
import { type ErrorCode, FlowscribeError, OptionsError } from "../errors/errors.js";
import {
  aBoolean,
  aListOf,
  anInteger,
  anObject,
  aString,
  either,
  withMethods,
} from "../errors/value-checks.js";

/** The part of a `Producer` of kafkajs that this package uses. */
export interface KafkaProducerLike {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(record: {
    topic: string;
    acks?: number;
    timeout?: number;
    /** Messages of kafkajs; their type would require the types of Node. */
    messages: object[];
  }): Promise<unknown>;
}

/** A message that kafkajs has received. */
export interface ReceivedKafkaMessage {
  readonly value: Uint8Array | null;
  readonly headers?: object | undefined;
  readonly offset: string;
}

/** What kafkajs passes to `eachBatch`: messages of a partition. */
export interface KafkaBatchPayload {
  readonly batch: {
    readonly partition: number;
    readonly messages: readonly ReceivedKafkaMessage[];
    lastOffset(): string;
  };
  /** The next fetch begins behind this offset. */
  resolveOffset(offset: string): void;
  isRunning(): boolean;
  isStale(): boolean;
}

/** The part of a `Consumer` of kafkajs that this package uses. */
export interface KafkaConsumerLike {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: { topics: string[]; fromBeginning?: boolean }): Promise<void>;
  run(config: {
    autoCommit?: boolean;
    eachBatchAutoResolve?: boolean;
    eachBatch?: (payload: KafkaBatchPayload) => Promise<void>;
  }): Promise<void>;
  commitOffsets(offsets: { topic: string; partition: number; offset: string }[]): Promise<void>;
  pause(topics: { topic: string; partitions?: number[] }[]): void;
  resume(topics: { topic: string; partitions?: number[] }[]): void;
  on(eventName: string, listener: (event: { payload: unknown }) => void): () => void;
}

/** The part of `Kafka` of kafkajs that this package uses. Pass an instance of that class. */
export interface KafkaClientLike {
  /** Creates a producer. */
  producer(config?: object): KafkaProducerLike;
  /** Creates a member of a consumer group. */
  consumer(config: { groupId: string }): KafkaConsumerLike;
}

/** The brokers, or a client of them. One of `client` and `brokers` is required. */
export interface KafkaServerOptions {
  /** A client, for all that the options below cannot say. They are then not allowed, except `timeoutMs`. */
  readonly client?: KafkaClientLike;
  /** Addresses of some brokers, such as `10.0.0.1:9092`; the others are found with them. */
  readonly brokers?: readonly string[];
  /** Identifies the program in the logs of the brokers; default `flowscribe`. */
  readonly clientId?: string;
  /** TLS: true, or options of `tls.connect`. */
  readonly ssl?: boolean | object;
  /** SASL, as for kafkajs: `{ mechanism: "scram-sha-256", username, password }`. */
  readonly sasl?: object;
  /** Milliseconds to wait for an answer of a broker; default 10,000. */
  readonly timeoutMs?: number;
}

export const DEFAULT_TIMEOUT_MS = 10_000;

export const SERVER_OPTIONS: OptionTable<KafkaServerOptions> = {
  client: withMethods<KafkaClientLike>("a client of kafkajs", "producer", "consumer"),
  brokers: aListOf(aString),
  clientId: aString,
  ssl: either<boolean, object>((value) => typeof value === "boolean", aBoolean, anObject),
  sasl: anObject,
  timeoutMs: anInteger(1, 2 ** 31 - 1),
};

/**
 * Checks what single checks of options cannot.
 *
 * @throws OptionsError
 */
export function checkServer(options: KafkaServerOptions): void {
  const { client, brokers } = options;
  if (client === undefined) {
    if (brokers === undefined || brokers.length === 0)
      throw new OptionsError([{ path: "brokers", message: "is required, or client" }]);
    return;
  }
  const others = (["brokers", "clientId", "ssl", "sasl"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (others.length > 0)
    throw new OptionsError(
      others.map((path) => ({ path, message: "is not allowed together with client: remove one of them" })),
    );
}

export interface KafkaPeer {
  readonly client: KafkaClientLike;
  readonly redactor: Redactor;
}

/** The attempts of kafkajs, and the times that it waits between them, in milliseconds. */
export const RETRY = { retries: 5, initialRetryTime: 200, maxRetryTime: 5000 };

/**
 * Creates a client, unless one was passed. It prints nothing: what it logs is in the errors that it reports.
 *
 * @throws FlowscribeError `package_missing`
 */
export async function openPeer(options: KafkaServerOptions): Promise<KafkaPeer> {
  const {
    client,
    brokers = [],
    clientId = "flowscribe",
    ssl,
    sasl,
    timeoutMs = DEFAULT_TIMEOUT_MS,
  } = options;
  const redactor = createRedactor(secretsOf(sasl));
  if (client !== undefined) return { client, redactor };
  const { Kafka, logLevel } = (await loadPackage("kafkajs", () => import("kafkajs"))).default;
  const config = {
    ...{ brokers: [...brokers], clientId, retry: RETRY, logLevel: logLevel.NOTHING },
    ...{ connectionTimeout: timeoutMs, authenticationTimeout: timeoutMs, requestTimeout: timeoutMs },
    ...(ssl !== undefined && { ssl }),
    ...(sasl !== undefined && { sasl }),
  };
  // True because kafkajs checks the mechanism of `sasl` itself when it connects.
  return { client: new Kafka(config as ConstructorParameters<typeof Kafka>[0]), redactor };
}

/** The strings in the options of SASL, except the name of the mechanism and of the user. */
function secretsOf(sasl: object | undefined): string[] {
  const entries = Object.entries(sasl ?? {}).filter(([name]) => name !== "mechanism" && name !== "username");
  return entries.map(([, value]) => value).filter((value) => typeof value === "string");
}

/** An error of the client, without secrets. */
export function kafkaError(
  code: ErrorCode,
  what: string,
  error: unknown,
  redactor: Redactor,
): FlowscribeError {
  const cause = redactor.error(error);
  return new FlowscribeError(code, `Kafka: ${what}: ${wholeMessage(cause)}`, { cause });
}

/** The type of a broker's error, such as `MESSAGE_TOO_LARGE`, in an error of kafkajs or one of its causes. */
export function protocolErrorType(error: unknown): string | undefined {
  for (
    let cause = error, depth = 0;
    cause instanceof Error && depth < MAX_CAUSES;
    cause = cause.cause, depth++
  ) {
    if ("type" in cause && typeof cause.type === "string") return cause.type;
  }
  return undefined;
}

/** Maximum number of causes to follow, in case an error is its own cause. */
const MAX_CAUSES = 8;
