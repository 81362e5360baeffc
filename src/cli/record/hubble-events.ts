import { createReadStream } from "node:fs";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { decodeExport, toFlowsRequest } from "../../observer/index.js";
import { observe } from "../../rpc/index.js";
import { reachServer, serverError } from "../client/connect.js";
import type { ServerOptions } from "../client/options.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";

/** Yields the events of an export file, whose times pace the packets; reports lines that cannot be read. */
export function exportLines(
  file: string,
  { stdin }: Pick<Io, "stdin">,
  onBadLine: (error: { readonly message: string }) => void,
): AsyncIterable<GetFlowsResponse | ExportEvent> {
  const input = file === STANDARD_INPUT ? stdin.chunks() : createReadStream(file);
  return decodeExport(input, { onBadLine });
}

/** The flows of a server that flags select; a connection that is lost is restored. */
export async function serverFlows(
  server: ServerOptions,
  selection: Parameters<typeof toFlowsRequest>[0],
  hubble: HubbleVersion,
  io: Pick<Io, "env" | "clock" | "signal">,
  messages: Messages,
): Promise<AsyncDisposable & { readonly events: AsyncIterable<GetFlowsResponse> }> {
  const reached = await reachServer(server, io, messages);
  const { transport, server: reachedServer } = reached;
  // Without the signal: an interruption ends the recorder, which then leaves the stream.
  const stream = observe(transport, toFlowsRequest(selection, { hubble }), {
    clock: io.clock,
    reconnect: true,
  });
  async function* events(): AsyncGenerator<GetFlowsResponse, void, undefined> {
    try {
      let reconnects = 0;
      for await (const event of stream) {
        if (stream.stats.reconnects > reconnects) {
          reconnects = stream.stats.reconnects;
          messages.report(`${reachedServer.address}: reconnected after a lost connection`);
        }
        yield event;
      }
    } catch (error) {
      throw serverError(reachedServer.address, error);
    }
  }
  return { events: events(), [Symbol.asyncDispose]: () => reached[Symbol.asyncDispose]() };
}
