import type { GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { toFlowsRequest } from "../../observer/index.js";
import { observe, type RpcTransport } from "../../rpc/index.js";
import { checkServer, openServer, serverError } from "../client/connect.js";
import type { ServerOptions } from "../client/options.js";
import { versionOfServer } from "../flags/hubble-version.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { ObserveOptions } from "./options.js";

type ServerRequest = Pick<ObserveOptions, "hubble" | "selection" | "reconnect" | "requestMask">;

/** An open connection; disposing of it closes it. */
export interface ServerConnection extends AsyncDisposable {
  readonly transport: RpcTransport;
  /** The version of Hubble that the server reports, if it does. */
  readonly version: HubbleVersion | undefined;
}

/**
 * Connects to a server.
 *
 * @throws Error whose message names the server.
 */
export async function connectServer(
  server: ServerOptions,
  { signal }: Pick<Io, "signal">,
): Promise<ServerConnection> {
  const transport = await openServer(server);
  try {
    const status = await checkServer(transport, server, signal);
    return {
      transport,
      version: versionOfServer(status),
      [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    };
  } catch (error) {
    await transport[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Yields the server's responses for the flags. With `reconnect`, a connection that is lost later is restored and the
 * loss is reported.
 *
 * @throws Error whose message names the server.
 */
export async function* serverEvents(
  transport: RpcTransport,
  server: ServerOptions,
  { hubble, selection, reconnect, requestMask: fieldMask }: ServerRequest,
  { signal, clock }: Pick<Io, "signal" | "clock">,
  messages: Messages,
): AsyncGenerator<GetFlowsResponse[], void, undefined> {
  const stream = observe(transport, toFlowsRequest(selection, { hubble, fieldMask }), {
    signal,
    reconnect,
    clock,
  });
  let reconnects = 0;
  try {
    for await (const batch of stream.batches()) {
      if (stream.stats.reconnects > reconnects) {
        reconnects = stream.stats.reconnects;
        messages.report(`${server.address}: reconnected after a lost connection`);
      }
      yield batch;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw serverError(server.address, error);
  }
}
