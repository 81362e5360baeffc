import { createReadStream } from "node:fs";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { decodeExport, type FlowFlags, toFlowsRequest } from "../../observer/index.js";
import { observe } from "../../rpc/index.js";
import { reachServer, serverError } from "../client/connect.js";
import type { ServerOptions } from "../client/options.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";

/** The filters of a trigger, which are applied where events are read. */
interface TriggerFilters {
  readonly trigger: Pick<FlowFlags, "allow" | "deny">;
  readonly hubble: HubbleVersion;
}

/** Yields the events of an export file, whose times pace the packets; reports lines that cannot be read. */
export function exportLines(
  file: string,
  { stdin }: Pick<Io, "stdin">,
  onBadLine: (error: { readonly message: string }) => void,
): AsyncIterable<GetFlowsResponse | ExportEvent> {
  const input = file === STANDARD_INPUT ? stdin.chunks() : createReadStream(file);
  return decodeExport(input, { onBadLine });
}

/** New events of a server that pass the filters; a connection that is lost is restored. */
export async function serverTriggers(
  server: ServerOptions,
  { trigger, hubble }: TriggerFilters,
  io: Pick<Io, "env" | "clock" | "signal">,
  messages: Messages,
): Promise<AsyncDisposable & { readonly events: AsyncIterable<GetFlowsResponse> }> {
  const reached = await reachServer(server, io, messages);
  const { transport, server: reachedServer } = reached;
  // Without the signal: an interruption ends the recorder, which then leaves the stream.
  const stream = observe(transport, toFlowsRequest({ ...trigger, follow: true }, { hubble }), {
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
