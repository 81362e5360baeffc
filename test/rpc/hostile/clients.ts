import { setImmediate as nextTurn } from "node:timers/promises";
import {
  observe,
  openTransport,
  RpcError,
  type RpcTransport,
  recordRemote,
  serverStatus,
  type TransportOptions,
} from "../../../src/rpc/index.js";
import { fakeClock } from "../../../src/testing/index.js";
import { WANTED } from "../../recorder/packets.js";
import type { Certificate } from "../certificates.js";
import { expectedOf, openPeer, type Peer, type PeerKind, type Phase, type Target } from "./peer.js";

/** How a call ended: what came, and the error if it failed. */
export interface Outcome {
  readonly received: readonly string[];
  readonly error?: unknown;
}

export interface CallSettings {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** The three clients, by the call that they make. */
export const CLIENTS: {
  readonly [K in Target]: (
    transport: RpcTransport,
    settings: CallSettings,
    received: string[],
  ) => Promise<void>;
} = {
  flows: async (transport, { signal }, received) => {
    const stream = observe(transport, { follow: true }, { ...(signal && { signal }) });
    for await (const { responseTypes } of stream) {
      if (responseTypes.case === "flow") received.push(responseTypes.value.uuid);
    }
  },
  status: async (transport, settings, received) => {
    received.push((await serverStatus(transport, settings)).version);
  },
  record: async (transport, { signal }, received) => {
    const recording = recordRemote(transport, WANTED, { ...(signal && { signal }) });
    recording.started.then(
      () => received.push("started"),
      () => {},
    );
    received.push((await recording.stopped).filePath);
  },
};

// The keys of CLIENTS.
export const TARGETS = Object.keys(CLIENTS) as Target[];

/** What each client has received when its call is complete. */
const COMPLETE: { readonly [K in Target]: readonly string[] } = {
  flows: ["a", "b", "c"],
  status: ["1.16.2"],
  record: ["started", "/tmp/peer.pcap"],
};

/** What each client has received when its call fails in a phase; empty in other phases. */
const RECEIVED: { readonly [K in Target]: { readonly [P in Phase]?: readonly string[] } } = {
  flows: { message: ["a"], inside: ["a", "b"], last: ["a", "b", "c"] },
  status: {},
  record: { message: ["started"], inside: ["started"], last: ["started"] },
};

/** A call of a client to a peer, never throwing. */
export async function call(
  target: Target,
  transport: RpcTransport,
  settings: CallSettings = {},
): Promise<Outcome> {
  const received: string[] = [];
  try {
    await CLIENTS[target](transport, settings, received);
    return { received };
  } catch (error) {
    return { received, error };
  }
}

/** Opens a transport to a peer, whose certificate it does not check. */
export function dial(peer: Peer, { dialed }: PeerKind, options: TransportOptions = {}): RpcTransport {
  return openTransport(peer.address, { ...(dialed === "tls" && { tls: { insecure: true } }), ...options });
}

/**
 * Makes a call to a peer of a kind, and then closes the transport.
 *
 * @returns What is wrong with how that went, each fault with the name of the kind; empty without faults.
 */
export function faultsOf(kind: PeerKind, target: Target, certificate?: Certificate): Promise<string[]> {
  return faultsWith({}, kind, target, certificate);
}

/** The same for a peer that stops responding, which the transport has to detect by itself, with the default options. */
export async function silenceFaultsOf(kind: PeerKind, target: Target): Promise<string[]> {
  const clock = fakeClock();
  const checking = faultsWith({ clock }, kind, target);
  let isSettled = false;
  void checking.finally(() => (isSettled = true));
  while (!isSettled) {
    await nextTurn();
    clock.advance(100);
  }
  return checking;
}

async function faultsWith(
  options: TransportOptions,
  kind: PeerKind,
  target: Target,
  certificate?: Certificate,
): Promise<string[]> {
  await using peer = await openPeer(kind, target, certificate);
  const transport = dial(peer, kind, options);
  const outcome = await settled(call(target, transport));
  transport.close();
  const drained = await settled(peer.drained());
  const faults = outcome === PENDING ? ["did not settle"] : outcomeFaults(kind, target, outcome);
  if (drained === PENDING) faults.push("left a connection open after close()");
  return faults.map((fault) => `${kind.name}: ${fault}`);
}

/** Aborts a call as soon as the peer has broken the rules. @returns Faults, as {@link faultsOf}. */
export async function abortFaultsOf(
  kind: PeerKind,
  target: Target,
  certificate?: Certificate,
): Promise<string[]> {
  await using peer = await openPeer(kind, target, certificate);
  const transport = dial(peer, kind);
  const controller = new AbortController();
  const reason = new Error("enough");
  const calling = call(target, transport, { signal: controller.signal });
  const broken = await settled(peer.broken);
  controller.abort(reason);
  const outcome = await settled(calling);
  transport.close();
  const drained = await settled(peer.drained());
  const faults: string[] = [];
  if (broken === PENDING) faults.push("the phase was not reached");
  if (outcome === PENDING) faults.push("did not settle when aborted");
  // It may have failed just before; then it reports that error.
  else if (outcome.error !== reason) faults.push(...outcomeFaults(kind, target, outcome));
  if (drained === PENDING) faults.push("left a connection open after close()");
  return faults.map((fault) => `${kind.name}, aborted: ${fault}`);
}

function outcomeFaults(kind: PeerKind, target: Target, { received, error }: Outcome): string[] {
  const expected = expectedOf(kind, target);
  if (error === undefined) {
    if (expected !== "completes") return [`completed with ${JSON.stringify(received)}`];
    const isWhole = kind.at === "request" && kind.next === "silence";
    const wanted = isWhole ? [] : COMPLETE[target];
    return received.join() === wanted.join() ? [] : [`received ${JSON.stringify(received)}`];
  }
  if (!(error instanceof RpcError)) return [`failed with ${describeError(error)}`];
  const faults: string[] = [];
  if (!isReceivedWhole(kind, target, received))
    faults.push(`received ${JSON.stringify(received)} before it failed`);
  if (expected === "completes" || !expected.includes(error.status)) {
    faults.push(`failed with ${error.status} instead of ${expected}: ${error.message}`);
  }
  if (error.message === "" || /\n|ERR_|NGHTTP2|nghttp2/.test(error.message)) {
    faults.push(`said ${JSON.stringify(error.message)}`);
  }
  if (kind.says !== undefined && !kind.says.test(error.message)) {
    faults.push(`said ${JSON.stringify(error.message)} instead of ${kind.says}`);
  }
  return faults;
}

/** Whether everything before a failure was received; a reset that overtakes it may discard it. */
function isReceivedWhole(
  { at, next, inOneWrite }: PeerKind,
  target: Target,
  received: readonly string[],
): boolean {
  if (inOneWrite === true && next === "reset") return true;
  const wanted = RECEIVED[target][at] ?? [];
  return received.join() === wanted.join();
}

function describeError(error: unknown): string {
  return error instanceof Error ? `a ${error.constructor.name}: ${error.message}` : String(error);
}

export const PENDING: unique symbol = Symbol("pending");

/** Many times the usual duration of these calls. */
const DEADLINE_MS = 60_000;

/** The result of a promise, or {@link PENDING} if it does not settle in time. */
export async function settled<T>(promise: Promise<T>): Promise<T | typeof PENDING> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<typeof PENDING>((resolve) => {
    timer = setTimeout(() => resolve(PENDING), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
