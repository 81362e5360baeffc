import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { RpcStatus } from "../../../src/rpc/index.js";
import type { Certificate } from "../certificates.js";
import { type ReceivedCall, ServerConnection } from "./connection.js";
import { data, grpcMessage, headers, RESPONSE_HEADERS, trailers } from "./frames.js";
import { ANSWERS, type CallName } from "./messages.js";

/**
 * How far a server has behaved before it breaks the rules:
 * - accept: before anything is read or sent
 * - preface: the client has sent its preface; no SETTINGS were sent
 * - settings: SETTINGS were exchanged
 * - request: the call has arrived
 * - headers: the response's headers were sent
 * - message: the first message was sent
 * - inside: all messages but the last were sent, and half of the last
 * - last: all messages were sent, no trailers
 * - trailers: the response is complete
 */
export const PHASES = [
  "accept",
  "preface",
  "settings",
  "request",
  "headers",
  "message",
  "inside",
  "last",
  "trailers",
] as const;

export type Phase = (typeof PHASES)[number];

/** Phases in which a call is under way. */
export const CALL_PHASES: readonly Phase[] = ["request", "headers", "message", "inside", "last"];

/** Protocols above TLS (RFC 7301). */
const ALPN = { tls: ["h2"], "tls http/1.1": ["http/1.1"], "tls without alpn": undefined } as const;

/** What a call over such a server comes to: it completes, or fails with one of these statuses. */
export type Expected = "completes" | readonly RpcStatus[];

/** The connection is of no use; another one may be. */
export const LOST: readonly RpcStatus[] = ["UNAVAILABLE"];

/** Implementations differ on whether the call or the connection is broken. */
export const BROKEN: readonly RpcStatus[] = ["INTERNAL", "UNAVAILABLE", "UNKNOWN"];

/** A server that is not a gRPC server, or breaks in the middle of a call. */
export interface PeerKind {
  readonly name: string;
  readonly at: Phase;
  /** What it then sends; `streamId` is that of the call, 1 before there is one. */
  readonly send?: (streamId: number) => Uint8Array | readonly Uint8Array[];
  /** The next action: stay silent, send FIN or RST, or complete the call. */
  readonly next: "silence" | "end" | "reset" | "complete";
  /** Sends it together with what came before, instead of after the client has read that. */
  readonly inOneWrite?: boolean;
  /** Stops reading. */
  readonly stopsReading?: boolean;
  /** The layer below HTTP/2; plain TCP by default. "tls http/1.1" negotiates HTTP/1.1 only, "tls without alpn" no protocol. */
  readonly listens?: keyof typeof ALPN;
  /** How the client connects; plain TCP by default. */
  readonly dialed?: "tls";
  /** Matches the error, which also has one line. */
  readonly says?: RegExp;
  /** The calls that it is a kind for; all by default. */
  readonly targets?: readonly Target[];
  readonly expected: Expected | Readonly<Record<Target, Expected>>;
}

/** The call that a peer breaks. */
export type Target = Exclude<CallName, "health">;

export function expectedOf({ expected }: PeerKind, target: Target): Expected {
  return typeof expected === "object" && "flows" in expected ? expected[target] : expected;
}

/** The kinds that concern a call. */
export function kindsFor(target: Target, kinds: readonly PeerKind[]): readonly PeerKind[] {
  return kinds.filter(({ targets }) => targets === undefined || targets.includes(target));
}

/** A running server of a {@link PeerKind}. */
export interface Peer extends AsyncDisposable {
  /** For `openTransport`. */
  readonly address: string;
  /** It has broken the rules: all of its bytes were passed on to the system. */
  readonly broken: Promise<void>;
  /** Resolves when no connection is open. */
  drained(): Promise<void>;
}

/**
 * Listens on a free port. Calls other than `target` get a proper answer.
 *
 * @param certificate Needed by kinds that listen with TLS.
 */
export async function openPeer(kind: PeerKind, target: Target, certificate?: Certificate): Promise<Peer> {
  const connections = new Set<ServerConnection>();
  let resolveBroken!: () => void;
  const broken = new Promise<void>((resolve) => (resolveBroken = resolve));
  const server = createServer({ noDelay: true }, (socket) => {
    const { connection } = new PeerScript(socket, { kind, target, certificate, onBroken: resolveBroken });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server has an address of this form.
  const { port } = server.address() as AddressInfo;
  return {
    address: `${kind.dialed === "tls" ? "tls://" : ""}127.0.0.1:${port}`,
    broken,
    drained: async () => {
      // Peers that have stopped reading would not see the end.
      for (const { socket } of connections) socket.resume();
      while (connections.size > 0) await Promise.all([...connections].map(({ closed }) => closed));
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a peer speaks over the socket: plain TCP, or TLS. */
function secured(socket: Socket, { listens }: PeerKind, certificate: Certificate | undefined): Socket {
  if (listens === undefined) return socket;
  if (certificate === undefined) throw new Error("a peer with TLS needs a certificate");
  const { cert, key } = certificate;
  socket.on("error", () => {});
  const protocols = ALPN[listens];
  return new TLSSocket(socket, {
    isServer: true,
    cert,
    key,
    ...(protocols && { ALPNProtocols: [...protocols] }),
  });
}

/** One connection of a peer: correct until the phase of its kind, then as the kind defines. */
class PeerScript {
  readonly connection: ServerConnection;
  readonly #kind: PeerKind;
  readonly #target: Target;
  readonly #onBroken: () => void;

  constructor(tcp: Socket, { kind, target, certificate, onBroken }: PeerScriptOptions) {
    this.#kind = kind;
    this.#target = target;
    this.#onBroken = onBroken;
    this.connection = new ServerConnection(secured(tcp, kind, certificate), {
      tcp,
      greets: kind.at !== "accept" && kind.at !== "preface",
      onCall: (call) => void this.#answer(call),
    });
    void this.#begin();
  }

  async #begin(): Promise<void> {
    const { at } = this.#kind;
    if (at === "accept") return this.#breakRules();
    await this.connection.preface;
    if (at === "preface") return this.#breakRules();
    await this.connection.acknowledged;
    if (at === "settings") this.#breakRules();
  }

  async #answer({ name, streamId }: ReceivedCall): Promise<void> {
    const { at, next, inOneWrite = false } = this.#kind;
    if (name === undefined) throw new Error("a call of an unknown path");
    // SETTINGS are still on their way, or the rules are broken already.
    if (!CALL_PHASES.includes(at) && at !== "trailers") return;
    if (name !== this.#target) return this.connection.send(...framesUpTo("trailers", name, streamId));
    const frames = framesUpTo(at, name, streamId);
    if (!inOneWrite) {
      this.connection.send(...frames);
      await this.connection.roundTrip();
    }
    this.#breakRules(streamId, inOneWrite ? frames : []);
    if (next !== "complete") return;
    const sent = Buffer.concat(frames).length;
    this.connection.send(Buffer.concat(framesUpTo("trailers", name, streamId)).subarray(sent));
  }

  #breakRules(streamId = 1, before: readonly Uint8Array[] = []): void {
    const { send, next, stopsReading } = this.#kind;
    const { socket } = this.connection;
    if (stopsReading === true) this.connection.stopReading();
    const sent = send?.(streamId) ?? [];
    const bytes = Buffer.concat([...before, ...(sent instanceof Uint8Array ? [sent] : sent)]);
    const finish = () => {
      if (next === "end") socket.end();
      // It can overtake bytes on their way: the client may see either.
      else if (next === "reset") this.connection.reset();
      this.#onBroken();
    };
    if (bytes.length > 0 && socket.writable) socket.write(bytes, finish);
    else finish();
  }
}

interface PeerScriptOptions {
  readonly kind: PeerKind;
  readonly target: Target;
  readonly certificate: Certificate | undefined;
  readonly onBroken: () => void;
}

/** The proper response up to a phase of the call. */
function framesUpTo(phase: Phase, name: CallName, streamId: number): readonly Buffer[] {
  const messages = ANSWERS[name].map((message) => data(streamId, grpcMessage(message)));
  const all = [headers(streamId, RESPONSE_HEADERS), ...messages, trailers(streamId)];
  switch (phase) {
    case "headers":
      return all.slice(0, 1);
    case "message":
      return all.slice(0, 2);
    case "inside": {
      const last = grpcMessage(ANSWERS[name].at(-1) ?? new Uint8Array(0));
      return [...all.slice(0, -2), data(streamId, last.subarray(0, last.length >> 1))];
    }
    case "last":
      return all.slice(0, -1);
    case "trailers":
      return all;
    default:
      return [];
  }
}
