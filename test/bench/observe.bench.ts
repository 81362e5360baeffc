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
import { type Figures, formatFigures, summarise } from "./measure.js";

const FLOWS = 50_000;
const ROUNDS = 7;
const SERVER = join(import.meta.dirname, "programs/flow-server.mjs");

/** About a tenth of the flows pass. */
const FILTER: FlowFilterLists = {
  allow: [{ sourcePod: ["kube-system/"], verdict: [2] }, { destinationPort: ["80"] }],
};

/** What is wanted: this many times the flows of connect-node. */
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

export async function run(): Promise<void> {
  const server = spawn(process.execPath, [SERVER, String(FLOWS)], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [line] = await once(server.stdout, "data");
    const port = Number(String(line));
    const wanted = compileFlowFilters(FILTER);
    const names = Object.keys(READERS);
    const rates = new Map<string, number[]>(names.map((name) => [name, []]));
    const passed = new Set<number>();
    for (let round = -1; round < ROUNDS; round++) {
      for (const name of names) {
        const began = performance.now();
        passed.add(await READERS[name]!(port, wanted));
        // The first round only warms up.
        if (round >= 0) rates.get(name)!.push(FLOWS / (performance.now() - began));
      }
    }
    const figures = new Map<string, Figures>(names.map((name) => [name, summarise(rates.get(name)!)]));
    const base = figures.get("connect-node")!.median;
    for (const [name, rate] of figures) {
      console.log(
        `  ${name}: ${formatFigures(rate, "flows/ms", 1)}, ${(rate.median / base).toFixed(2)} × connect-node`,
      );
    }
    console.log(
      `  all let through the same: ${passed.size === 1} (${[...passed].join(", ")} of ${FLOWS}); wanted ≥ ${WANTED}`,
    );
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
