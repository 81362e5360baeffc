// Flows per second through observe() with a filter on the client's side, beside plain connect-node and grpc-js reading the
// same stream. The server is a process of its own that sends what was encoded beforehand.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { compileFlowFilters, type FlowFilterLists, type FlowPredicate } from "../../dist/filter/index.js";
import { observe, openTransport } from "../../dist/rpc/index.js";
import {
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  Observer,
} from "../../src/gen/observer/observer_pb.js";
import { alternateAsync, packageVersion, ROUNDS } from "./measure.js";
import { type BenchmarkResult, formatRatio, ratioOf, withRatioGoal } from "./report/result.js";

const FLOWS = 50_000;
const SERVER = join(import.meta.dirname, "programs/flow-server.mjs");

/** About a tenth of the flows pass. */
const FILTER: FlowFilterLists = {
  allow: [{ sourcePod: ["kube-system/"], verdict: [2] }, { destinationPort: ["80"] }],
};

/** Goal: this many times the flows of connect-node. */
const WANTED = 4;

/** Reads a whole stream; returns how many flows passed. */
type Reader = (port: number, wanted: FlowPredicate) => Promise<number>;

const READERS: Readonly<Record<string, Reader>> = {
  observe: async (port, wanted) => {
    await using transport = openTransport(`127.0.0.1:${port}`);
    let passed = 0;
    for await (const _ of observe(transport, {}, { filter: wanted })) passed++;
    return passed;
  },
  "observe, encoded": async (port, wanted) => {
    await using transport = openTransport(`127.0.0.1:${port}`);
    let passed = 0;
    for await (const _ of observe(transport, {}, { filter: wanted, encoded: true })) passed++;
    return passed;
  },
  "observe, in batches": async (port, wanted) => {
    await using transport = openTransport(`127.0.0.1:${port}`);
    let passed = 0;
    for await (const batch of observe(transport, {}, { filter: wanted }).batches()) passed += batch.length;
    return passed;
  },
  "observe, able to resume": async (port, wanted) => {
    await using transport = openTransport(`127.0.0.1:${port}`);
    let passed = 0;
    for await (const _ of observe(transport, {}, { filter: wanted, reconnect: true })) passed++;
    return passed;
  },
};

/** The usual clients, which decode all flows. */
const PEERS: Readonly<Record<string, Reader>> = {
  "connect-node": async (port, wanted) => {
    const client = createClient(Observer, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
    let passed = 0;
    for await (const response of client.getFlows({})) if (passes(response, wanted)) passed++;
    return passed;
  },
  "grpc-js": async (port, wanted) => {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    const call = client.makeServerStreamRequest(
      "/observer.Observer/GetFlows",
      (request: ReturnType<typeof emptyRequest>) => Buffer.from(toBinary(GetFlowsRequestSchema, request)),
      (bytes: Buffer) => fromBinary(GetFlowsResponseSchema, bytes),
      emptyRequest(),
    );
    let passed = 0;
    for await (const response of call) if (passes(response as GetFlowsResponse, wanted)) passed++;
    client.close();
    return passed;
  },
};

export async function run(): Promise<BenchmarkResult> {
  const server = spawn(process.execPath, [SERVER, String(FLOWS)], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = await once(server.stdout, "data");
    const port = Number(String(line));
    const wanted = compileFlowFilters(FILTER);
    const passed = new Set<number>();
    const works = Object.entries({ ...READERS, ...PEERS }).map(([name, reader]) => [
      name,
      async () => {
        const start = performance.now();
        passed.add(await reader(port, wanted));
        return FLOWS / (performance.now() - start);
      },
    ]);
    const figures = await alternateAsync(ROUNDS, Object.fromEntries(works));
    if (passed.size > 1) throw new Error(`different numbers of flows pass: ${[...passed].join(", ")}`);
    const peers = Object.keys(PEERS);
    const rows = Object.keys(READERS).map((name) =>
      withRatioGoal({ name, figures: [name, ...peers].map((one) => figures[one]) }, WANTED, "atLeast"),
    );
    return {
      tables: [
        {
          title: `${FLOWS.toLocaleString("en")} flows, of which ${[...passed][0]?.toLocaleString("en")} pass`,
          unit: "flows/ms",
          digits: 1,
          moreIsBetter: true,
          columns: ["flowscribe", ...peers],
          rows,
        },
      ],
      peers: {
        "connect-node": packageVersion("@connectrpc/connect-node"),
        "grpc-js": packageVersion("@grpc/grpc-js"),
      },
      gain: `Reading and filtering flows from a server: ${formatRatio(ratioOf(rows[0]!)!)} times the flows per second of connect-node.`,
    };
  } finally {
    server.kill();
  }
}

function emptyRequest() {
  return create(GetFlowsRequestSchema);
}

function passes({ responseTypes }: GetFlowsResponse, wanted: FlowPredicate): boolean {
  return responseTypes.case === "flow" && wanted(responseTypes.value);
}
