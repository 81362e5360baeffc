import {
  createRedactor,
  type Redactor,
  userInfoOf,
  wholeMessage,
  withoutUserInfo,
} from "../broker/secrets.js";
import type { OptionTable } from "../errors/check-options.js";
import { type ErrorCode, FlowscribeError, OptionsError } from "../errors/errors.js";
import { aListOf, anInteger, anObject, aString, either, withMethods } from "../errors/value-checks.js";
import { loadTransport } from "./transport.js";

/**
 * The part of a `NatsConnection` that this package uses. Pass one that `connect` of `@nats-io/transport-node` has returned.
 */
export interface NatsConnectionLike {
  /** What the server has announced; undefined while it is not connected. */
  readonly info?: { readonly max_payload: number } | undefined;
  /** Sends a message. */
  publish(subject: string, payload?: Uint8Array, options?: object): void;
  /** Receives the messages of a subject. */
  subscribe(subject: string, options?: object): NatsSubscriptionLike;
  /** Resolves when the server has processed everything that was sent. */
  flush(): Promise<void>;
  /** Reports lost and restored connections. */
  status(): AsyncIterable<{ readonly type: string }>;
  /** Whether it is closed for good. */
  isClosed(): boolean;
  /** Resolves when it is closed for good, with the error if there is one. */
  // biome-ignore lint/suspicious/noConfusingVoidType: the type of NatsConnection.
  closed(): Promise<void | Error>;
  /** Closes it for good. */
  close(): Promise<void>;
}

/** The part of a `Subscription` that this package uses. */
export interface NatsSubscriptionLike {
  /** Ends it. */
  unsubscribe(): void;
}

/** The server, or a connection to it. One of `connection` and `servers` is required. */
export interface NatsServerOptions {
  /** A connection, which stays open. The options below are then not allowed, except `timeoutMs`. */
  readonly connection?: NatsConnectionLike;
  /** Addresses, such as `nats://10.0.0.1:4222`, of servers of one cluster. The client reconnects to any of them, without limit. */
  readonly servers?: string | readonly string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** TLS, as for `connect`: `ca`, `cert` and `key` as PEM, or `caFile`, `certFile` and `keyFile`. */
  readonly tls?: object;
  /** Milliseconds to wait for an answer of the server, including the connection; default 5,000. */
  readonly timeoutMs?: number;
}

const aConnection = withMethods<NatsConnectionLike>(
  "a NatsConnection",
  ...(["publish", "subscribe", "flush", "status", "isClosed", "closed", "close"] as const),
);

/** Longest time limit of `setTimeout`. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const DEFAULT_TIMEOUT_MS = 5000;

/** Milliseconds between attempts to reconnect. */
const RECONNECT_MS = 500;

export const SERVER_OPTIONS: OptionTable<NatsServerOptions> = {
  connection: aConnection,
  servers: either(Array.isArray, aListOf(aString), aString),
  user: aString,
  pass: aString,
  token: aString,
  tls: anObject,
  timeoutMs: anInteger(1, MAX_TIMEOUT_MS),
};

/** A connection, and what is to be done with it at the end. */
export interface NatsPeer {
  readonly connection: NatsConnectionLike;
  readonly redactor: Redactor;
  /** Closes the connection if it was opened here. */
  release(): Promise<void>;
}

/**
 * Checks what single checks of options cannot.
 *
 * @throws OptionsError
 */
export function checkServer(options: NatsServerOptions): void {
  const { connection, servers } = options;
  if (connection === undefined) {
    if (servers === undefined || servers.length === 0)
      throw new OptionsError([{ path: "servers", message: "is required, or connection" }]);
    return;
  }
  const others = (["servers", "user", "pass", "token", "tls"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (others.length > 0)
    throw new OptionsError(
      others.map((path) => ({
        path,
        message: "is not allowed together with connection: remove one of them",
      })),
    );
}

/**
 * Connects to the server, unless a connection was passed.
 *
 * @param code The code of errors.
 * @throws FlowscribeError with that code if the server does not answer or refuses the connection; `package_missing`.
 */
export async function openPeer(options: NatsServerOptions, code: ErrorCode): Promise<NatsPeer> {
  const { connection, timeoutMs = DEFAULT_TIMEOUT_MS, servers = [] } = options;
  const addresses = typeof servers === "string" ? [servers] : [...servers];
  const redactor = createRedactor([options.pass, options.token, ...addresses.flatMap(userInfoOf)]);
  if (connection !== undefined) {
    if (connection.isClosed()) throw new FlowscribeError(code, "NATS: the connection is closed");
    return { connection, redactor, release: async () => {} };
  }
  const { connect } = await loadTransport();
  try {
    const opened = await connect({
      servers: addresses,
      ...defined({ user: options.user, pass: options.pass, token: options.token, tls: options.tls }),
      name: "flowscribe",
      timeout: timeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      // Credentials may be replaced on the server while this side reconnects.
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    });
    return { connection: opened, redactor, release: () => opened.close() };
  } catch (error) {
    const where = addresses.map(withoutUserInfo).join(", ");
    throw natsError(code, `cannot connect to ${where}`, error, redactor);
  }
}

/** An error of the client, without secrets. */
export function natsError(
  code: ErrorCode,
  what: string,
  error: unknown,
  redactor: Redactor,
): FlowscribeError {
  const cause = redactor.error(error);
  return new FlowscribeError(code, `NATS: ${what}: ${wholeMessage(cause)}`, { cause });
}

/** The properties that are not undefined. */
function defined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  // Only properties of T that have a value are left.
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
