import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { iterateOrAbort, orAbort } from "../async/or-abort.js";
import {
  type GetAgentEventsRequestSchema,
  type GetAgentEventsResponse,
  type GetDebugEventsRequestSchema,
  type GetDebugEventsResponse,
  type GetNamespacesResponse,
  type GetNodesResponse,
  Observer,
  type ServerStatusResponse,
} from "../gen/observer/observer_pb.js";
import { type ChangeNotification, Peer } from "../gen/peer/peer_pb.js";
import { fromCallError } from "./connect-error.js";

/** What ends a call early. */
export interface RpcCallOptions {
  /** Cancels the call, which fails at once with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The call fails with DEADLINE_EXCEEDED after so many milliseconds. */
  readonly timeoutMs?: number;
}

/** How a Hubble server or Relay is doing. @throws RpcError */
export function serverStatus(transport: Transport, options?: RpcCallOptions): Promise<ServerStatusResponse> {
  return unary((callOptions) => createClient(Observer, transport).serverStatus({}, callOptions), options);
}

/** The nodes that Relay knows. @throws RpcError */
export function getNodes(transport: Transport, options?: RpcCallOptions): Promise<GetNodesResponse> {
  return unary((callOptions) => createClient(Observer, transport).getNodes({}, callOptions), options);
}

/** The namespaces that flows were seen in lately. @throws RpcError */
export function getNamespaces(
  transport: Transport,
  options?: RpcCallOptions,
): Promise<GetNamespacesResponse> {
  return unary((callOptions) => createClient(Observer, transport).getNamespaces({}, callOptions), options);
}

/** What an agent reports of itself. Leaving early cancels the call. @throws RpcError from the iteration. */
export function getAgentEvents(
  transport: Transport,
  request: MessageInitShape<typeof GetAgentEventsRequestSchema> = {},
  options?: RpcCallOptions,
): AsyncGenerator<GetAgentEventsResponse, void, undefined> {
  return streaming(
    (callOptions) => createClient(Observer, transport).getAgentEvents(request, callOptions),
    options,
  );
}

/** Debug messages of the datapath. Leaving early cancels the call. @throws RpcError from the iteration. */
export function getDebugEvents(
  transport: Transport,
  request: MessageInitShape<typeof GetDebugEventsRequestSchema> = {},
  options?: RpcCallOptions,
): AsyncGenerator<GetDebugEventsResponse, void, undefined> {
  return streaming(
    (callOptions) => createClient(Observer, transport).getDebugEvents(request, callOptions),
    options,
  );
}

/** The Hubble servers of the cluster, then every change. Leaving early cancels the call. @throws RpcError from the iteration. */
export function notifyPeers(
  transport: Transport,
  options?: RpcCallOptions,
): AsyncGenerator<ChangeNotification, void, undefined> {
  return streaming((callOptions) => createClient(Peer, transport).notify({}, callOptions), options);
}

interface ConnectCallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

async function unary<T>(
  call: (options: ConnectCallOptions) => Promise<T>,
  options: RpcCallOptions = {},
): Promise<T> {
  const { signal = new AbortController().signal } = options;
  try {
    signal.throwIfAborted();
    return await orAbort(call({ ...options, signal }), signal);
  } catch (error) {
    signal.throwIfAborted();
    throw fromCallError(error);
  }
}

/** A stream that is cancelled when the reader leaves, which Connect's own is not. */
async function* streaming<T>(
  call: (options: ConnectCallOptions) => AsyncIterable<T>,
  options: RpcCallOptions = {},
): AsyncGenerator<T, void, undefined> {
  const { signal } = options;
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    signal?.throwIfAborted();
    yield* iterateOrAbort(call({ ...options, signal: controller.signal }), controller.signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw fromCallError(error);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    controller.abort();
  }
}
