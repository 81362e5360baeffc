import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { orAbort, relayAbort } from "../async/abort.js";
import { iterateOrAbort } from "../async/iterate-or-abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aNumberFrom, aSignal, type ValueCheck, withMethods } from "../errors/value-checks.js";
import {
  GetAgentEventsRequestSchema,
  type GetAgentEventsResponse,
  GetDebugEventsRequestSchema,
  type GetDebugEventsResponse,
  type GetNamespacesResponse,
  type GetNodesResponse,
  Observer,
  type ServerStatusResponse,
} from "../gen/observer/observer_pb.js";
import { type ChangeNotification, Peer } from "../gen/peer/peer_pb.js";
import { anInitOf } from "../message/init-check.js";
import { fromCallError } from "./connect-error.js";

/** Cancellation and deadline of a call. */
export interface RpcCallOptions {
  /** Cancels the call, which then fails at once with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Deadline in milliseconds, after which the call fails with DEADLINE_EXCEEDED; without one by default. */
  readonly timeoutMs?: number;
}

const CALL_OPTIONS: OptionTable<RpcCallOptions> = { signal: aSignal, timeoutMs: aNumberFrom(0) };

export const aTransport: ValueCheck<Transport> = withMethods<Transport>(
  "a transport, as openTransport returns it",
  "unary",
  "stream",
);

/** Gets the status of a Hubble server or Relay. @throws RpcError, or the signal's reason. */
export function serverStatus(transport: Transport, options?: RpcCallOptions): Promise<ServerStatusResponse> {
  return unary("serverStatus", transport, options, (callOptions) =>
    createClient(Observer, transport).serverStatus({}, callOptions),
  );
}

/** Gets the nodes known to Relay. @throws RpcError, or the signal's reason. */
export function getNodes(transport: Transport, options?: RpcCallOptions): Promise<GetNodesResponse> {
  return unary("getNodes", transport, options, (callOptions) =>
    createClient(Observer, transport).getNodes({}, callOptions),
  );
}

/** Gets the namespaces in which flows were seen recently. @throws RpcError, or the signal's reason. */
export function getNamespaces(
  transport: Transport,
  options?: RpcCallOptions,
): Promise<GetNamespacesResponse> {
  return unary("getNamespaces", transport, options, (callOptions) =>
    createClient(Observer, transport).getNamespaces({}, callOptions),
  );
}

/**
 * Streams the events that an agent reports about itself. Ending the iteration early cancels the call.
 *
 * @throws RpcError, or the signal's reason, from the iteration.
 */
export function getAgentEvents(
  transport: Transport,
  request: MessageInitShape<typeof GetAgentEventsRequestSchema> = {},
  options?: RpcCallOptions,
): AsyncGenerator<GetAgentEventsResponse, void, undefined> {
  checkArgument("getAgentEvents", "request", request, anInitOf(GetAgentEventsRequestSchema));
  return streaming("getAgentEvents", transport, options, (callOptions) =>
    createClient(Observer, transport).getAgentEvents(request, callOptions),
  );
}

/**
 * Streams debug messages of the datapath. Ending the iteration early cancels the call.
 *
 * @throws RpcError, or the signal's reason, from the iteration.
 */
export function getDebugEvents(
  transport: Transport,
  request: MessageInitShape<typeof GetDebugEventsRequestSchema> = {},
  options?: RpcCallOptions,
): AsyncGenerator<GetDebugEventsResponse, void, undefined> {
  checkArgument("getDebugEvents", "request", request, anInitOf(GetDebugEventsRequestSchema));
  return streaming("getDebugEvents", transport, options, (callOptions) =>
    createClient(Observer, transport).getDebugEvents(request, callOptions),
  );
}

/**
 * Streams the Hubble servers of the cluster, then every change. Ending the iteration early cancels the call.
 *
 * @throws RpcError, or the signal's reason, from the iteration.
 */
export function notifyPeers(
  transport: Transport,
  options?: RpcCallOptions,
): AsyncGenerator<ChangeNotification, void, undefined> {
  return streaming("notifyPeers", transport, options, (callOptions) =>
    createClient(Peer, transport).notify({}, callOptions),
  );
}

interface ConnectCallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

async function unary<T>(
  name: string,
  transport: Transport,
  options: RpcCallOptions = {},
  call: (options: ConnectCallOptions) => Promise<T>,
): Promise<T> {
  checkArgument(name, "transport", transport, aTransport);
  checkOptions(name, options, CALL_OPTIONS);
  const { signal = new AbortController().signal } = options;
  try {
    signal.throwIfAborted();
    return await orAbort(call({ ...options, signal }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw fromCallError(error);
  }
}

function streaming<T>(
  name: string,
  transport: Transport,
  options: RpcCallOptions = {},
  call: (options: ConnectCallOptions) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  checkArgument(name, "transport", transport, aTransport);
  checkOptions(name, options, CALL_OPTIONS);
  return cancelledByReader(options, call);
}

/** Cancels the call when the reader ends the iteration, which Connect's own streams do not. */
async function* cancelledByReader<T>(
  options: RpcCallOptions,
  call: (options: ConnectCallOptions) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const { signal } = options;
  const controller = new AbortController();
  const removeRelay = relayAbort(signal, controller);
  try {
    signal?.throwIfAborted();
    yield* iterateOrAbort(call({ ...options, signal: controller.signal }), controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw fromCallError(error);
  } finally {
    removeRelay();
    controller.abort();
  }
}
