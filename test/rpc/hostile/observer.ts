import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type GetFlowsRequest, GetFlowsRequestSchema } from "../../../src/gen/observer/observer_pb.js";
import { type ReceivedCall, ServerConnection } from "./connection.js";
import { data, grpcMessage, headers, RESPONSE_HEADERS, trailers } from "./frames.js";
import { flowResponse } from "./messages.js";

export interface ScriptedFlow {
  readonly name: string;
  readonly timeMs: number;
}

export const LAST_FLOW: ScriptedFlow = { name: "last", timeMs: 1_800_000_000_000 };

/** How a call ends before its time. */
export interface Break {
  readonly name: string;
  /** What is sent; `message` is the flow that would have been next, encoded for gRPC. */
  readonly send?: (streamId: number, message: Uint8Array) => Uint8Array;
  readonly next: "silence" | "end" | "reset";
  /** Stops responding, also to pings. */
  readonly stopsReading?: boolean;
}

/** What happens at an Observer. */
export interface Script {
  /** Flows of before the first call. */
  readonly before: readonly ScriptedFlow[];
  /** Flows that happen later: one by one during calls, and one after each break, while the client is not connected. */
  readonly later: readonly ScriptedFlow[];
  /**
   * The first call breaks after so many flows in this way, and so on. The call after the last break does not; one that follows
   * gets {@link LAST_FLOW} at its end.
   */
  readonly breaks: readonly { readonly after: number; readonly how: Break }[];
}

export interface ScriptedObserver extends AsyncDisposable {
  readonly address: string;
  /** Those of GetFlows, in order. */
  readonly requests: readonly GetFlowsRequest[];
}

/** A server of GetFlows that answers requests as Hubble does, from the flows so far, and breaks where the script specifies. */
export async function openScriptedObserver(script: Script): Promise<ScriptedObserver> {
  const happened = [...script.before];
  const ahead = [...script.later];
  const breaks = [...script.breaks];
  const requests: GetFlowsRequest[] = [];
  const connections = new Set<ServerConnection>();

  async function answer(
    connection: ServerConnection,
    { name, streamId, message }: ReceivedCall,
  ): Promise<void> {
    if (name !== "flows") throw new Error(`unexpected call of ${name}`);
    const request = fromBinary(GetFlowsRequestSchema, await message);
    requests.push(request);
    const planned = breaks.shift();
    const flows = requestedFlows(request, happened);
    if (request.follow) {
      // Those who follow see what happens; up to the break it is all on its way.
      const rest = planned === undefined ? ahead.length : Math.max(planned.after - flows.length, 0);
      const seen = ahead.splice(0, rest);
      happened.push(...seen);
      flows.push(...seen);
    }
    if (request.follow && planned === undefined) flows.push(LAST_FLOW);
    const sent = planned === undefined ? flows : flows.slice(0, planned.after);
    connection.send(
      headers(streamId, RESPONSE_HEADERS),
      ...sent.map((flow) => data(streamId, encoded(flow))),
    );
    if (planned !== undefined) {
      // Wait until the data has arrived: a reset would overtake it.
      await connection.roundTrip();
      happened.push(...ahead.splice(0, 1));
      const next = flows[sent.length] ?? { name: "never", timeMs: 0 };
      breakCall(connection, planned.how, streamId, encoded(next));
    } else if (!request.follow) {
      connection.send(trailers(streamId));
    }
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new ServerConnection(socket, {
      greets: true,
      onCall: (call) => void answer(connection, call),
    });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // A TCP server has an address of this form.
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function encoded({ name, timeMs }: ScriptedFlow): Uint8Array {
  return grpcMessage(flowResponse(name, timeMs));
}

/** The flows of Hubble's ring buffer for a request: `since` and `until`, then the first or last `number`. */
function requestedFlows(
  { since, until, number, first, follow }: GetFlowsRequest,
  happened: readonly ScriptedFlow[],
): ScriptedFlow[] {
  const isWithin = ({ timeMs }: ScriptedFlow) =>
    (since === undefined || timeMs >= timestampMs(since)) &&
    (until === undefined || timeMs <= timestampMs(until));
  const flows = happened.filter(isWithin);
  if (number > 0n) return first ? flows.slice(0, Number(number)) : flows.slice(-Number(number));
  return follow && since === undefined && !first ? [] : flows;
}

function breakCall(
  connection: ServerConnection,
  { send, next, stopsReading }: Break,
  streamId: number,
  message: Uint8Array,
): void {
  const { socket } = connection;
  if (stopsReading === true) connection.stopReading();
  const finish = () => {
    if (next === "end") socket.end();
    else if (next === "reset") connection.reset();
  };
  if (send === undefined) finish();
  else socket.write(send(streamId, message), finish);
}
