import { connect } from "@nats-io/transport-node";
import { describe, expect, test, vi } from "vitest";
import { type JetStreamSinkOptions, openJetStreamSink } from "../../src/nats/index.js";
import type { EncodedEvent } from "../../src/observer/index.js";
import { fakeClock } from "../../src/testing/index.js";
import {
  bodies,
  controlledSinkContract,
  flowSinkContract,
  sinkEvent,
  sinkEvents,
} from "../observer/events/flow-sink-contract.js";
import { PATIENCE } from "../support/patience.js";
import { type FakeAnswer, FakeNatsServer, type FakeServerOptions } from "./fake-server.js";

const MAX_PENDING = 16;

const failure = (err_code: number, description: string) =>
  JSON.stringify({
    type: "io.nats.jetstream.api.v1.pub_ack_response",
    error: { code: 400, err_code, description },
  });

async function createPeer() {
  let answers: FakeAnswer[] = [];
  const server = await FakeNatsServer.listen({
    maxPayload: 64 * 1024,
    // Undefined: stored.
    answer: () => answers.shift() as FakeAnswer,
  });
  return {
    maxPending: MAX_PENDING,
    tooLargeBytes: 64 * 1024,
    open: () => openJetStreamSink({ servers: server.url, subject: "flows", maxPending: MAX_PENDING }),
    stored: async () => server.stored.map(({ body }) => body),
    hold: () => {
      server.isHolding = true;
    },
    release: () => server.release(),
    received: (count: number) => server.untilReceived(count),
    get mostPending() {
      return server.mostPending;
    },
    failNext: () => {
      answers = [failure(10077, "maximum messages exceeded")];
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

flowSinkContract("openJetStreamSink on a fake server", createPeer);
controlledSinkContract("openJetStreamSink on a fake server", createPeer);

async function openFake(
  server: FakeServerOptions,
  options: Partial<JetStreamSinkOptions> = {},
): Promise<
  { server: FakeNatsServer; sink: Awaited<ReturnType<typeof openJetStreamSink>> } & AsyncDisposable
> {
  const fake = await FakeNatsServer.listen(server);
  const sink = await openJetStreamSink({ servers: fake.url, subject: "flows", ...options });
  return {
    server: fake,
    sink,
    [Symbol.asyncDispose]: async () => {
      await sink[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describe("openJetStreamSink: messages", () => {
  test("have the id and the headers of the event, and the expected stream", async () => {
    await using opened = await openFake({}, { stream: "FLOWS" });
    const event: EncodedEvent = { ...sinkEvent("u-1"), node: "kind/node-1" };
    await opened.sink.write([event, { ...event, uuid: "", node: "" }]);
    const [first, second] = opened.server.stored.map(({ headers }) => headers.trim().split("\r\n").sort());
    const always = [
      "NATS/1.0",
      "Nats-Expected-Stream: FLOWS",
      "flowscribe-kind: flow",
      "flowscribe-version: 1",
    ];
    expect(second).toEqual(always);
    expect(first).toEqual([...always, "Nats-Msg-Id: u-1", "flowscribe-node: kind/node-1"].sort());
  });

  test("have the subject that the function returns; events with an invalid one are refused", async () => {
    await using opened = await openFake({}, { subject: ({ uuid }) => uuid });
    const events = ["a.b", "", "a b", "a.*", "a..b", "x".repeat(2000), "c"].map((uuid) => sinkEvent(uuid));
    await expect(opened.sink.write(events)).rejects.toMatchObject({
      refused: events
        .slice(1, 6)
        .map((event) => ({ event, reason: expect.stringMatching(/is not a subject/) })),
    });
    expect(opened.server.stored.map(({ subject }) => subject)).toEqual(["a.b", "c"]);
  });

  test("are not sent if the function throws", async () => {
    await using opened = await openFake(
      {},
      {
        subject: () => {
          throw new Error("no subject");
        },
      },
    );
    await expect(opened.sink.write(sinkEvents(1))).rejects.toMatchObject({
      code: "sink_failed",
      message: "NATS: publishing failed: no subject",
    });
  });
});

describe("openJetStreamSink: answers", () => {
  test.each<[string, FakeAnswer, RegExp]>([
    ["no stream", "no responders", /"flows": no stream stores this subject: create one/],
    ["a full stream", failure(10077, "maximum messages exceeded"), /maximum messages exceeded .*10077/],
    ["another stream", failure(10060, "expected stream does not match"), /expected stream does not match/],
    ["no JSON", "+OK", /the answer is not one of JetStream/],
    ["JSON null", "null", /it names no stream/],
    ["an empty stream", '{"stream":""}', /it names no stream/],
    ["an error without a text", '{"error":{}}', /unknown error/],
  ])("%s: rejects with sink_failed, and the call may be repeated", async (_, answer, message) => {
    let isFirst = true;
    await using opened = await openFake({
      answer: () => {
        const result = isFirst ? answer : undefined;
        isFirst = false;
        // Undefined: stored.
        return result as FakeAnswer;
      },
    });
    const events = sinkEvents(3);
    const error = await opened.sink.write(events).catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: "sink_failed", message: expect.stringMatching(message) });
    await opened.sink.write(events);
    expect(new Set(opened.server.stored.map(({ body }) => String(body)))).toEqual(
      new Set(bodies(events).map(String)),
    );
  });

  test("a message above the limit of the stream is refused, the others are stored", async () => {
    await using opened = await openFake({
      answer: (_, number) =>
        // Undefined: stored.
        (number === 1 ? failure(10054, "message size exceeds maximum allowed") : undefined) as FakeAnswer,
    });
    const events = sinkEvents(4);
    await expect(opened.sink.write(events)).rejects.toMatchObject({
      code: "events_refused",
      refused: [{ event: events[1], reason: expect.stringMatching(/message size exceeds/) }],
    });
    expect(opened.sink.stats).toEqual({ written: 3, refused: 1, failures: 0 });
  });

  test("none for timeoutMs: rejects with the number of pending messages", async () => {
    const clock = fakeClock();
    await using opened = await openFake({ answer: () => "nothing" }, { clock, timeoutMs: 3000 });
    const writing = opened.sink.write(sinkEvents(7));
    const settled = expect(writing).rejects.toMatchObject({
      code: "sink_failed",
      message: "NATS: publishing failed: no answer for 3000 ms, with 7 messages pending",
    });
    await opened.server.untilReceived(7);
    clock.advance(3000);
    await settled;
    expect(clock.pending).toBe(0);
  });

  test("the time limit begins again with each answer", async () => {
    const clock = fakeClock();
    await using opened = await openFake({}, { clock, timeoutMs: 3000, maxPending: 1 });
    opened.server.isHolding = true;
    const writing = opened.sink.write(sinkEvents(3));
    for (let count = 1; count <= 3; count++) {
      await opened.server.untilReceived(count);
      clock.advance(2000);
      opened.server.release();
      opened.server.isHolding = count < 3;
    }
    await writing;
    expect(opened.sink.stats.written).toBe(3);
  });
});

describe("openJetStreamSink: connections", () => {
  test("a connection that closes in the middle: write rejects, and succeeds after the client has reconnected", async () => {
    await using opened = await openFake({
      answer: (_, number) =>
        // Undefined: stored.
        (number === 5 ? "close" : undefined) as FakeAnswer,
    });
    const events = sinkEvents(10);
    await expect(opened.sink.write(events)).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(/the connection to the server was lost/),
    });
    await opened.sink.write(events);
    expect(new Set(opened.server.stored.map(({ body }) => String(body))).size).toBe(10);
  });

  test("write waits for a lost connection up to timeoutMs, and gives up at once when aborted", async () => {
    const clock = fakeClock();
    const server = await FakeNatsServer.listen({ answer: () => "close" });
    await using sink = await openJetStreamSink({
      servers: server.url,
      subject: "flows",
      clock,
      timeoutMs: 4000,
    });
    await expect(sink.write(sinkEvents(1))).rejects.toMatchObject({ code: "sink_failed" });
    await server[Symbol.asyncDispose]();
    const late = expect(sink.write(sinkEvents(1))).rejects.toMatchObject({
      code: "sink_failed",
      message: "NATS: publishing failed: not connected to the server for 4000 ms",
    });
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    clock.advance(4000);
    await late;
    const controller = new AbortController();
    const aborted = expect(sink.write(sinkEvents(1), controller.signal)).rejects.toThrow("enough");
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    controller.abort(new Error("enough"));
    await aborted;
    expect(clock.pending).toBe(0);
  });

  test("a connection that was passed stays open; after it is closed, write rejects", async () => {
    const server = await FakeNatsServer.listen();
    const connection = await connect({ servers: server.url });
    const sink = await openJetStreamSink({ connection, subject: "flows" });
    await sink.write(sinkEvents(1));
    const second = await openJetStreamSink({ connection, subject: "flows" });
    await sink[Symbol.asyncDispose]();
    expect(connection.isClosed()).toBe(false);
    await connection.close();
    await expect(second.write(sinkEvents(1))).rejects.toMatchObject({
      code: "sink_failed",
      message: "NATS: publishing failed: the connection is closed",
    });
    await second[Symbol.asyncDispose]();
    await expect(openJetStreamSink({ connection, subject: "flows" })).rejects.toMatchObject({
      code: "sink_failed",
    });
    await server[Symbol.asyncDispose]();
  });

  test("a server that refuses the credentials: rejects without the password and the token", async () => {
    const server = await FakeNatsServer.listen({ refuse: "Authorization Violation for s3cr3t-pass" });
    for (const options of [
      { servers: server.url, user: "u", pass: "s3cr3t-pass" },
      { servers: server.url, token: "s3cr3t-pass" },
      { servers: server.url.replace("//", "//u:s3cr3t-pass@") },
    ]) {
      const error = await openJetStreamSink({ ...options, subject: "x" }).catch((reason: Error) => reason);
      expect(error).toMatchObject({
        code: "sink_failed",
        message: expect.stringMatching(/cannot connect to nats:/),
      });
      const { message, stack, cause } = error as Error;
      const cut = cause as Error;
      expect(`${message}${stack}${cut.message}${cut.stack}`).not.toContain("s3cr3t");
    }
    await server[Symbol.asyncDispose]();
  });

  test("a server that accepts connections and says nothing: rejects after timeoutMs", async () => {
    const server = await FakeNatsServer.listen({ isSilent: true });
    await expect(
      openJetStreamSink({ servers: server.url, subject: "x", timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: "sink_failed", message: expect.stringMatching(/cannot connect/) });
    await server[Symbol.asyncDispose]();
  });

  test("no server: rejects with the address", async () => {
    const server = await FakeNatsServer.listen();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await expect(openJetStreamSink({ servers: url, subject: "x" })).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringContaining(url),
    });
  });
});

describe("openJetStreamSink: options", () => {
  test.each<[object, string]>([
    [{ subject: "x" }, "servers: is required, or connection"],
    [{ subject: "x", servers: [] }, "servers: is required, or connection"],
    [{ servers: "x" }, "subject: is required"],
    [
      { servers: "x", subject: "a.*" },
      'subject: must be a subject without white space and wildcards, or a function, not "a.*"',
    ],
    [{ servers: "x", subject: "x", stream: "a.b" }, "stream: must be a name of 1 to 255 characters"],
    [{ servers: "x", subject: "x", maxPending: 0 }, "maxPending: must be an integer from 1 to 100000, not 0"],
    [
      { servers: "x", subject: "x", server: "y" },
      "server: not an option of openJetStreamSink; did you mean servers?",
    ],
  ])("%j: rejects", async (options, message) => {
    await expect(openJetStreamSink(options as never)).rejects.toMatchObject({
      code: "invalid_options",
      message: expect.stringContaining(message),
    });
  });

  test("credentials beside a connection are rejected", async () => {
    await using server = await FakeNatsServer.listen();
    const connection = await connect({ servers: server.url });
    await expect(openJetStreamSink({ connection, subject: "x", pass: "y" })).rejects.toThrow(
      "pass: is not allowed together with connection: remove one of them",
    );
    await connection.close();
  });
});
