import type { GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { toFlowsRequest } from "../../observer/index.js";
import { observe } from "../../rpc/index.js";
import { type OpenedServer, serverError } from "../client/connect.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import type { ObserveOptions } from "./options.js";

type ServerRequest = Pick<ObserveOptions, "hubble" | "selection" | "reconnect" | "requestMask">;

/**
 * Yields the server's responses for the flags. With `reconnect`, a connection that is lost later is restored and the
 * loss is reported.
 *
 * @throws Error whose message names the server.
 */
export async function* serverEvents(
  { transport, server }: OpenedServer,
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
