// A Hubble server that sends flows at a rate, for `npm run bench:collector`: `server.ts <flows per second>`. Prints its address.
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { FlowSchema, GetFlowsResponseSchema, Observer } from "../../../dist/proto.js";
import { encodedFlows } from "../inputs/corpus.js";

const TICK_MS = 20;
const rate = Number(process.argv[2]);
const flows = encodedFlows().map((bytes) => fromBinary(FlowSchema, bytes));

async function* send(signal: AbortSignal) {
  const begin = performance.now();
  for (let sent = 0; !signal.aborted; ) {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    const time = timestampFromMs(Date.now());
    for (; sent < due && !signal.aborted; sent++) {
      const flow = { ...flows[sent % flows.length]!, uuid: `${sent}`, time };
      yield create(GetFlowsResponseSchema, {
        responseTypes: { case: "flow", value: flow },
        nodeName: flow.nodeName,
        time,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

const server = createServer(
  connectNodeAdapter({
    routes: (router) => router.service(Observer, { getFlows: (_, { signal }) => send(signal) }),
  }),
);
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`));
process.once("SIGTERM", () => process.exit(0));
