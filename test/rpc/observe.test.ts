import { create, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import {
  GetFlowsRequestSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../src/gen/observer/observer_pb.js";
import { decodeGetFlowsResponse } from "../../src/message/decode-response.js";
import {
  getNamespaces,
  getNodes,
  type ObserveOptions,
  observe,
  openRecorderServer,
  openTransport,
  serverStatus,
} from "../../src/rpc/index.js";
import { type FakeObserver, fakeClock, fakeObserver, fakeRecorder, flow } from "../../src/testing/index.js";
import { settle } from "../recorder/sources.js";

/** What a response is about: the source's pod, or how many events were lost. */
function nameOf({ responseTypes }: GetFlowsResponse): string {
  if (responseTypes.case === "flow") return responseTypes.value.source?.podName ?? "";
  if (responseTypes.case === "lostEvents") return `lost ${responseTypes.value.numEventsLost}`;
  return responseTypes.case ?? "";
}

function podFlows(names: string, seconds = 0) {
  return [...names].map((name, index) =>
    flow({ from: `shop/${name}`, time: new Date((seconds + index) * 1000) }),
  );
}

async function namesOf(stream: AsyncIterable<GetFlowsResponse>): Promise<string> {
  const names: string[] = [];
  for await (const response of stream) names.push(nameOf(response));
  return names.join("");
}

/** In memory through Connect, and over the network with our own reading of gRPC. */
const WAYS = {
  "in memory": async (observer: FakeObserver) => ({
    transport: observer.transport,
    [Symbol.asyncDispose]: async () => {},
  }),
  "over HTTP/2": async ({ routes }: FakeObserver) => {
    const server = await openRecorderServer("127.0.0.1:0", fakeRecorder().service, { routes });
    const transport = openTransport(server.address);
    return {
      transport,
      [Symbol.asyncDispose]: async () => {
        transport.close();
        await server.close({ graceMs: 100 });
      },
    };
  },
};

describe.each(Object.entries(WAYS))("observe (%s)", (_name, connect) => {
  test.each([
    { request: {}, names: "abcd" },
    { request: { number: 2n }, names: "cd" },
    { request: { number: 2n, first: true }, names: "ab" },
    { request: { since: { seconds: 1n }, until: { seconds: 2n } }, names: "bc" },
    { request: { whitelist: [{ sourcePod: ["shop/b"] }, { sourcePod: ["shop/c"] }] }, names: "bc" },
    { request: { blacklist: [{ sourcePod: ["shop/b"] }] }, names: "acd" },
    { request: create(GetFlowsRequestSchema, { number: 2n, first: true }), names: "ab" },
    { request: { number: "2", first: true }, names: "ab" },
    { request: { since: "1970-01-01T00:00:01Z", until: "1970-01-01T00:00:02Z" }, names: "bc" },
    { request: { whitelist: [{ source_pod: ["shop/b"], verdict: ["FORWARDED"] }] } as object, names: "b" },
  ])("yields the flows for $request", async ({ request, names }) => {
    const observer = fakeObserver({ flows: podFlows("abcd") });
    await using connection = await connect(observer);
    expect(await namesOf(observe(connection.transport, request))).toBe(names);
  });

  test("follows, filters locally, and yields lost events regardless of the filter", async () => {
    const observer = fakeObserver();
    await using connection = await connect(observer);
    const stream = observe(
      connection.transport,
      { follow: true },
      { filter: { deny: [{ sourcePod: ["shop/b"] }] } },
    );
    const seen: string[] = [];
    const reading = (async () => {
      for await (const response of stream) {
        seen.push(nameOf(response));
        if (seen.at(-1) === "d") break;
      }
    })();
    while (observer.streams === 0) await settle();
    observer.push(...podFlows("abc"));
    observer.lose(7);
    observer.push(...podFlows("d"));
    await reading;
    expect(seen).toEqual(["a", "c", "lost 7", "d"]);
    expect(stream.stats).toEqual({ received: 5, filtered: 1, repeated: 0, lost: 7, reconnects: 0 });
    while (observer.streams > 0) await settle(); // Leaving has cancelled the call.
  });

  test("keeps unknown fields of a request, and rejects other values", async () => {
    const observer = fakeObserver();
    await using connection = await connect(observer);
    const request = create(GetFlowsRequestSchema, {});
    request.$unknown = [{ no: 9999, wireType: 0, data: Uint8Array.of(7) }];
    expect(await namesOf(observe(connection.transport, request))).toBe("");
    expect(observer.requests[0]?.$unknown).toEqual(request.$unknown);
    await namesOf(observe(connection.transport, { fieldMask: "verdict,source.podName" }));
    expect(observer.requests[1]?.fieldMask?.paths).toEqual(["verdict", "source.pod_name"]);
    const invalid = { whitelist: [{ sourcePort: [80] }], numbr: 1 } as never;
    expect(() => observe(connection.transport, invalid)).toThrow(TypeError);
    expect(() => observe(connection.transport, invalid)).toThrow(/whitelist\[0\]\.source_port\[0\]/);
    expect(() => observe(connection.transport, "x" as never)).toThrow(/^observe: request must be/);
    expect(() => observe(connection.transport, { since: "1970" })).toThrow(
      'observe: request.since must be a time, such as "2026-11-22T12:00:00Z", not "1970"',
    );
  });

  test("encoded: yields the responses that pass as bytes", async () => {
    const observer = fakeObserver({ flows: podFlows("abc") });
    await using connection = await connect(observer);
    const stream = observe(
      connection.transport,
      {},
      { filter: { deny: [{ sourcePod: ["shop/b"] }] }, encoded: true },
    );
    const names: string[] = [];
    for await (const bytes of stream) names.push(nameOf(decodeGetFlowsResponse(bytes)));
    expect(names).toEqual(["a", "c"]);
    expect(stream.stats).toMatchObject({ received: 3, filtered: 1 });
  });

  test("rejects with the reason of an aborted signal, and ends a wait when the iteration ends", async () => {
    const observer = fakeObserver();
    await using connection = await connect(observer);
    const controller = new AbortController();
    const reading = namesOf(observe(connection.transport, { follow: true }, { signal: controller.signal }));
    while (observer.streams === 0) await settle();
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
    const iterator = observe(connection.transport, { follow: true })[Symbol.asyncIterator]();
    const next = iterator.next();
    while (observer.streams === 0) await settle();
    await iterator.return?.();
    expect(await next).toMatchObject({ done: true });
    while (observer.streams > 0) await settle();
  });

  test("rejects with the server's status and message", async () => {
    const observer = fakeObserver();
    await using connection = await connect(observer);
    const stream = observe(connection.transport, { whitelist: [{ sourceIp: ["1.1.1.1/33"] }] });
    await expect(namesOf(stream)).rejects.toMatchObject({
      status: "INVALID_ARGUMENT",
      message: 'invalid CIDR in filter: "1.1.1.1/33"',
    });
    observer.setUnavailable(true);
    await expect(namesOf(observe(connection.transport))).rejects.toMatchObject({ status: "UNAVAILABLE" });
  });

  test("reconnect: resumes without gaps and repetitions", async () => {
    const clock = fakeClock();
    const observer = fakeObserver({ flows: podFlows("ab") });
    await using connection = await connect(observer);
    const stream = observe(connection.transport, { follow: true, number: 2n }, { reconnect: true, clock });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const response of stream) {
        seen.push(nameOf(response));
        if (seen.at(-1) === "i") break;
      }
    })();
    while (seen.length < 2) await settle();
    for (const [during, after] of [
      ["cd", "e"],
      ["fg", "hi"],
    ] as const) {
      observer.setUnavailable(true);
      observer.disconnect();
      observer.push(...podFlows(during, 2 + seen.length));
      while (clock.pending === 0) await settle();
      clock.advance(500);
      while (clock.pending === 0) await settle(); // The first try has failed.
      observer.setUnavailable(false);
      clock.advance(1000);
      while (observer.streams === 0) await settle();
      observer.push(...podFlows(after, 4 + seen.length));
      while (seen.at(-1) !== after.at(-1)) await settle();
    }
    await reading;
    expect(seen.join("")).toBe("abcdefghi");
    expect(stream.stats).toMatchObject({ reconnects: 4, lost: 0 });
    expect(stream.stats.received - stream.stats.repeated).toBe(9);
  });

  test("reconnect: fails after maxAttempts", async () => {
    const clock = fakeClock();
    const observer = fakeObserver();
    observer.setUnavailable(true);
    await using connection = await connect(observer);
    const options: ObserveOptions = { reconnect: { maxAttempts: 3, initialDelayMs: 10 }, clock };
    const reading = namesOf(observe(connection.transport, {}, options));
    reading.catch(() => {});
    for (const delayMs of [10, 20]) {
      while (clock.pending === 0) await settle();
      clock.advance(delayMs);
    }
    await expect(reading).rejects.toMatchObject({ status: "UNAVAILABLE" });
    expect(observer.requests).toHaveLength(3);
  });

  test("yields its flows once", async () => {
    const observer = fakeObserver();
    await using connection = await connect(observer);
    const stream = observe(connection.transport);
    await namesOf(stream);
    await expect(namesOf(stream)).rejects.toMatchObject({ code: "source_consumed" });
  });

  test("getNodes, getNamespaces, serverStatus: return responses", async () => {
    const observer = fakeObserver({ flows: podFlows("ab"), version: "1.16.2" });
    await using connection = await connect(observer);
    expect(await serverStatus(connection.transport)).toMatchObject({ numFlows: 2n, version: "1.16.2" });
    expect(await getNodes(connection.transport)).toMatchObject({ nodes: [{ name: "default/fake-node" }] });
    expect(await getNamespaces(connection.transport)).toMatchObject({
      namespaces: [{ namespace: "default" }, { namespace: "shop" }],
    });
    const reason = new Error("enough");
    await expect(serverStatus(connection.transport, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
  });
});

describe("observe: a call that does not settle by itself", () => {
  const NEVER = new Promise<never>(() => {});
  const hanging = (stream: () => Promise<unknown>) =>
    // Only `stream` is called.
    ({ stream, unary: stream }) as unknown as Transport;
  const silentMessages = { [Symbol.asyncIterator]: () => ({ next: () => NEVER }) };

  test.each([
    { name: "before the headers", transport: hanging(() => NEVER) },
    { name: "after the headers", transport: hanging(async () => ({ message: silentMessages })) },
  ])("abort() ends it $name", async ({ transport }) => {
    const controller = new AbortController();
    const reading = namesOf(observe(transport, {}, { signal: controller.signal, reconnect: true }));
    await settle();
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
  });
});

describe("observe: a slow reader", () => {
  test("stops the server by flow control", async () => {
    const observer = fakeObserver({ maxFlows: 100_000 });
    const big = flow({ Summary: "x".repeat(10_000) });
    for (let count = 0; count < 2000; count++) observer.push({ ...big, uuid: String(count) });
    await using connection = await WAYS["over HTTP/2"](observer);
    const batches = observe(connection.transport).batches();
    let count = (await batches.next()).value?.length ?? 0;
    for (let turn = 0; turn < 200; turn++) await settle();
    expect(observer.streams).toBe(1); // 20 MB do not fit into any window.
    for await (const batch of batches) count += batch.length;
    expect(count).toBe(2000);
  });
});

describe("decodeGetFlowsResponse", () => {
  test.each([
    { responseTypes: { case: "flow", value: flow({ from: "a/b" }) }, nodeName: "n", time: { seconds: 1n } },
    { responseTypes: { case: "lostEvents", value: { numEventsLost: 3n } }, nodeName: "n" },
    { responseTypes: { case: "nodeStatus", value: { nodeNames: ["x"] } } },
    {},
  ] as const)("reads what toBinary wrote: $responseTypes.case", (init) => {
    const response = create(GetFlowsResponseSchema, init as never);
    const decoded = decodeGetFlowsResponse(toBinary(GetFlowsResponseSchema, response));
    expect(toBinary(GetFlowsResponseSchema, decoded)).toEqual(toBinary(GetFlowsResponseSchema, response));
    expect(decoded.responseTypes.case).toBe(response.responseTypes.case);
  });

  test("uses the last of several responses, and merges a flow in two parts", () => {
    const part = (init: Parameters<typeof flow>[0]) =>
      toBinary(
        GetFlowsResponseSchema,
        create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: flow(init) } }),
      );
    const lost = create(GetFlowsResponseSchema, {
      responseTypes: { case: "lostEvents", value: { numEventsLost: 1n } },
    });
    const two = decodeGetFlowsResponse(Buffer.concat([part({ uuid: "1" }), part({ Summary: "s" })]));
    expect(two.responseTypes.value).toMatchObject({ uuid: "1", Summary: "s" });
    const other = decodeGetFlowsResponse(Buffer.concat([part({}), toBinary(GetFlowsResponseSchema, lost)]));
    expect(other.responseTypes.case).toBe("lostEvents");
  });
});
