import { createReadStream } from "node:fs";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { decodeExport, type FlowFlags, toFlowsRequest } from "../../observer/index.js";
import { observe } from "../../rpc/index.js";
import { checkServer, openServer, serverError } from "../client/connect.js";
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
  { signal, clock }: Pick<Io, "signal" | "clock">,
  messages: Messages,
): Promise<AsyncDisposable & { readonly events: AsyncIterable<GetFlowsResponse> }> {
  const transport = await openServer(server);
  const close = () => transport[Symbol.asyncDispose]();
  try {
    await checkServer(transport, server, signal);
  } catch (error) {
    await close();
    throw error;
  }
  // Without the signal: an interruption ends the recorder, which then leaves the stream.
  const stream = observe(transport, toFlowsRequest({ ...trigger, follow: true }, { hubble }), {
    clock,
    reconnect: true,
  });
  async function* events(): AsyncGenerator<GetFlowsResponse, void, undefined> {
    try {
      let reconnects = 0;
      for await (const event of stream) {
        if (stream.stats.reconnects > reconnects) {
          reconnects = stream.stats.reconnects;
          messages.report(`${server.address}: reconnected after a lost connection`);
        }
        yield event;
      }
    } catch (error) {
      throw serverError(server.address, error);
    }
  }
  return { events: events(), [Symbol.asyncDispose]: async () => close() };
}
