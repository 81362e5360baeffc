import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { Observer } from "../../src/gen/observer/observer_pb.js";
import { openRecorderServer, type RecorderServerOptions, RpcError } from "../../src/rpc/index.js";
import { GoawayScanner } from "../../src/rpc/server/session-socket.js";
import { fakeObserver } from "../../src/testing/index.js";
import { settle } from "../recorder/sources.js";
import { fakeClock } from "../support/fake-clock.js";
import {
  data,
  FLAG,
  FRAME,
  frame,
  goaway,
  HTTP2_CODES,
  headers,
  PREFACE,
  settings,
} from "./hostile/frames.js";
import { recordClient } from "./record-client.js";
import { SERVERS, testRecorder } from "./servers.js";

/** A message in the framing of gRPC. */
function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** What a stream has received. */
interface Answer {
  readonly status: string | undefined;
  readonly grpcStatus: string | undefined;
  readonly message: string;
  readonly contentType: string | undefined;
  /** Whether the headers ended the stream. */
  readonly isTrailersOnly: boolean;
  readonly resetCode: number;
  readonly body: string;
}

const END_STREAM = 1;

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  let isTrailersOnly = false;
  let body = "";
  stream.on("response", (received, flags) => {
    headers = received;
    isTrailersOnly = (flags & END_STREAM) !== 0;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (bytes) => {
    body += String(bytes);
  });
  stream.on("error", () => {});
  if (!stream.destroyed) await once(stream, "close");
  const text = (name: string) => (trailers[name] ?? headers[name]) as string | undefined;
  return {
    status: headers[":status"] === undefined ? undefined : String(headers[":status"]),
    grpcStatus: text("grpc-status"),
    message: decodeURIComponent(text("grpc-message") ?? ""),
    contentType: headers["content-type"] as string | undefined,
    isTrailersOnly,
    resetCode: stream.rstCode,
    body,
  };
}

async function serve(options: RecorderServerOptions = {}) {
  const recorder = await testRecorder({ limits: { startTimeoutMs: 5000 } });
  const server = await openRecorderServer("127.0.0.1:0", recorder.service, options);
  const sessions: ClientHttp2Session[] = [];
  return {
    server,
    recorder,
    connect: () => {
      const session = connectHttp2(`http://${server.address}`);
      session.on("error", () => {});
      sessions.push(session);
      return session;
    },
    [Symbol.asyncDispose]: async () => {
      for (const session of sessions) session.destroy();
      await server.close();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

function request(session: ClientHttp2Session, path: string, headers: Record<string, string> = {}) {
  return session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc+proto",
    te: "trailers",
    ...headers,
  });
}

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const NOTHING = framed(new Uint8Array(0));

describe("openRecorderServer: methods that do not exist", () => {
  test.each([
    { path: "/hubble.Nothing/Get", message: "unknown service hubble.Nothing" },
    { path: "/recorder.Recorder/Play", message: "unknown method Play for service recorder.Recorder" },
    { path: "/grpc.health.v1.Health/List", message: "unknown method List for service grpc.health.v1.Health" },
    { path: "/x", message: 'malformed method name: "/x"' },
    { path: "/recorder.Recorder/Record/", message: "unknown service recorder.Recorder/Record" },
    { path: `/${"x".repeat(20_000)}/y`, message: `unknown service ${"x".repeat(1000)}` },
  ])("respond UNIMPLEMENTED in headers that end the stream: $message", async ({ path, message }) => {
    await using serving = await serve();
    const stream = request(serving.connect(), path);
    const answer = await answerOf(stream); // The client does not end its side.
    expect(answer).toMatchObject({
      status: "200",
      grpcStatus: "12",
      contentType: "application/grpc+proto",
      isTrailersOnly: true,
      resetCode: 0,
    });
    expect(answer.message.startsWith(message)).toBe(true);
  });

  test("respond UNIMPLEMENTED for gRPC-web, and 404 with a JSON error for the Connect protocol", async () => {
    await using serving = await serve();
    const session = serving.connect();
    const web = await answerOf(request(session, "/a.B/C", { "content-type": "application/grpc-web+proto" }));
    expect(web).toMatchObject({ status: "200", grpcStatus: "12", contentType: "application/grpc-web+proto" });
    const json = await answerOf(request(session, "/a.B/C", { "content-type": "application/json" }));
    expect(json).toMatchObject({ status: "404", contentType: "application/json" });
    expect(JSON.parse(json.body)).toEqual({ code: "unimplemented", message: "unknown service a.B" });
  });

  test.each(Object.entries(SERVERS))("respond UNIMPLEMENTED to grpc-js, over %s", async (_name, open) => {
    await using recorder = await testRecorder();
    await using server = await open(recorder.service);
    const client = new grpc.Client(server.address, grpc.credentials.createInsecure());
    const code = await new Promise((resolve) => {
      client.makeUnaryRequest(
        "/a.B/C",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.alloc(0),
        (error) => resolve(error?.code),
      );
    });
    client.close();
    expect(code).toBe(grpc.status.UNIMPLEMENTED);
  });
});

describe("openRecorderServer: invalid requests", () => {
  test.each([{ authority: "[" }, { authority: "a:b:c" }, { authority: "%" }])(
    "an invalid authority, $authority, is INVALID_ARGUMENT and does not end the process",
    async ({ authority }) => {
      await using serving = await serve();
      const session = serving.connect();
      const answer = await answerOf(request(session, CHECK, { ":authority": authority }));
      expect(answer).toMatchObject({ status: "200", grpcStatus: "3" });
      const next = request(session, CHECK);
      next.end(NOTHING);
      expect(await answerOf(next)).toMatchObject({ grpcStatus: "0" });
    },
  );

  test("ends the stream of a malformed message that the client does not end", async () => {
    await using serving = await serve();
    const stream = request(serving.connect(), "/recorder.Recorder/Record");
    stream.write(framed(Uint8Array.of(0xff, 0xff)));
    expect(await answerOf(stream)).toMatchObject({ grpcStatus: "13", resetCode: 0 });
  });

  test.each([CHECK, WATCH])(
    "a request of %s that does not end is reset after startTimeoutMs",
    async (path) => {
      const clock = fakeClock();
      await using serving = await serve({ clock });
      const stream = request(serving.connect(), path);
      stream.write(NOTHING);
      const closed = answerOf(stream);
      while (clock.pending < 2) await settle();
      clock.advance(4999);
      await settle();
      expect(stream.closed).toBe(false);
      clock.advance(1);
      expect(await closed).toMatchObject({ resetCode: 8 });
    },
  );
});

describe("openRecorderServer: status messages that are too long for a trailer", () => {
  test.each(Object.entries(SERVERS))(
    "do not break the connection: many issues, over %s",
    async (_name, open) => {
      await using recorder = await testRecorder();
      await using server = await open(recorder.service);
      using client = recordClient(server.address);
      const sourceCidr = "x".repeat(100);
      client.send({
        case: "start",
        value: { include: Array.from({ length: 256 }, () => ({ sourceCidr, destinationCidr: sourceCidr })) },
      });
      const { code, details } = await client.ended;
      expect(code).toBe("INVALID_ARGUMENT");
      expect(details).toMatch(/^include\[0\]\.source_cidr: .*; and \d+ more$/s);
    },
  );

  test.each(Object.entries(SERVERS))(
    "do not break the connection: of a hook, over %s",
    async (_name, open) => {
      await using recorder = await testRecorder({
        authorize: () => {
          throw new RpcError("PERMISSION_DENIED", "é".repeat(100_000));
        },
      });
      await using server = await open(recorder.service);
      using client = recordClient(server.address);
      client.send({ case: "start", value: {} });
      const { code, details } = await client.ended;
      expect(code).toBe("PERMISSION_DENIED");
      expect(details).toMatch(/^é{1000,}…$/);
    },
  );

  test.each([
    {
      name: "health",
      path: CHECK,
      message: Uint8Array.of(0x0a, 0xa0, 0x8d, 0x06, ...Buffer.alloc(100_000, "x")),
    },
    {
      name: "further services",
      path: `/${Observer.typeName}/GetFlows`,
      // whitelist[0].source_ip[0]
      message: Uint8Array.of(0x2a, 0x84, 0x84, 0x06, 0x0a, 0x80, 0x84, 0x06, ...Buffer.alloc(98_816, "x")),
    },
  ])("do not break the connection: of $name", async ({ path, message }) => {
    await using serving = await serve({ routes: fakeObserver().routes });
    const session = serving.connect();
    const stream = request(session, path);
    stream.end(framed(message));
    const answer = await answerOf(stream);
    expect(["3", "5"]).toContain(answer.grpcStatus);
    const next = request(session, CHECK);
    next.end(NOTHING);
    expect(await answerOf(next)).toMatchObject({ grpcStatus: "0" });
  });
});

describe("openRecorderServer: clients that break HTTP/2", () => {
  const HELLO = Buffer.concat([PREFACE, settings()]);
  const CALL = headers(1, {
    ":method": "POST",
    ":scheme": "http",
    ":path": WATCH,
    ":authority": "recorder",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const noise = Buffer.alloc(64, 0xff);
  const invalidHpack = frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0xff, 0xff, 0x7f]));

  test.each([
    { what: "64 bytes of 0xff", bytes: Buffer.concat([HELLO, noise]) },
    {
      what: "64 bytes of 0xff in a call",
      bytes: Buffer.concat([HELLO, CALL, noise]),
    },
    { what: "invalid HPACK", bytes: Buffer.concat([HELLO, invalidHpack]) },
    {
      what: "DATA on an idle stream",
      bytes: Buffer.concat([HELLO, data(1, noise)]),
    },
    {
      what: "HEADERS on stream 0",
      bytes: Buffer.concat([HELLO, headers(0, { ":method": "GET" })]),
    },
  ])("$what: closes the connection after GOAWAY, without a timer", async ({ bytes }) => {
    // The clock does not advance.
    await using serving = await serve({ clock: fakeClock() });
    const { hostname, port } = new URL(`http://${serving.server.address}`);
    const socket = connect(Number(port), hostname);
    const scanner = new GoawayScanner("server");
    const codes: (number | undefined)[] = [];
    socket.on("data", (chunk: Buffer) => codes.push(scanner.scan(chunk)));
    socket.on("error", () => {});
    socket.write(bytes);
    await once(socket, "close");
    expect(codes.some((code) => code !== undefined && code !== HTTP2_CODES.NO_ERROR)).toBe(true);
  });

  test("closes a connection that the client keeps open after GOAWAY at the next ping, without an error", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, {
      clock,
      pingIntervalMs: 1000,
    });
    const [host, port] = server.address.split(":");
    const socket = connect({ host: host!, port: Number(port), allowHalfOpen: true });
    socket.resume().on("error", () => {});
    const ended = once(socket, "end");
    socket.write(Buffer.concat([PREFACE, settings(), goaway(0, HTTP2_CODES.NO_ERROR, "")]));
    await ended;
    clock.advance(1000);
    // Settles only if no connection is left, as the time of grace is not over.
    await server.close();
    socket.destroy();
  });

  test("continues other connections and calls", async () => {
    await using serving = await serve({ clock: fakeClock() });
    const session = serving.connect();
    const { hostname, port } = new URL(`http://${serving.server.address}`);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    socket.end(Buffer.concat([HELLO, noise]));
    socket.resume();
    await once(socket, "close");
    const stream = request(session, CHECK);
    stream.end(NOTHING);
    expect((await answerOf(stream)).grpcStatus).toBe("0");
  });
});

describe("openRecorderServer: bounds", () => {
  /** Opens streams, and waits until the server has answered a ping sent after them. */
  async function open(session: ClientHttp2Session, path: string, count: number, message?: Uint8Array) {
    const streams = Array.from({ length: count }, () => {
      const stream = request(session, path);
      if (message !== undefined) stream.end(message);
      return { stream, answer: answerOf(stream) };
    });
    await new Promise((resolve) => session.ping(resolve));
    for (let turn = 0; turn < 20; turn++) await settle();
    return streams;
  }

  test.each([
    { name: "health watches", path: WATCH, message: NOTHING, options: { maxHealthWatches: 3 }, max: 3 },
    { name: "reflection calls", path: REFLECTION, message: undefined, options: {}, max: 64 },
  ])(
    "$name above the limit are RESOURCE_EXHAUSTED until one ends",
    async ({ name, path, message, options, max }) => {
      await using serving = await serve(options);
      const session = serving.connect();
      const held = await open(session, path, max, message);
      const [beyond] = await open(session, path, 1, message);
      expect(await beyond?.answer).toMatchObject({
        grpcStatus: "8",
        message: `at most ${max} ${name} at once`,
      });
      held[0]?.stream.close(8);
      await held[0]?.answer;
      const [next] = await open(session, path, 1, message);
      expect(next?.stream.closed).toBe(false);
      expect(held.slice(1).every(({ stream }) => !stream.closed)).toBe(true);
    },
  );

  test("prints no warning of Node for more than ten health watches at once", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    try {
      await using serving = await serve({});
      const held = await open(serving.connect(), WATCH, 20, NOTHING);
      expect(held.every(({ stream }) => !stream.closed)).toBe(true);
    } finally {
      // Node emits warnings in a turn of their own.
      await settle();
      process.off("warning", onWarning);
    }
    expect(warnings.map(({ name }) => name)).not.toContain("MaxListenersExceededWarning");
  });

  test("requests above maxRequests are RESOURCE_EXHAUSTED until one ends, over all connections", async () => {
    await using serving = await serve({ maxRequests: 2 });
    const session = serving.connect();
    const [first] = await open(session, "/recorder.Recorder/Record", 1);
    await open(session, CHECK, 1);
    const other = serving.connect();
    const refused = request(other, CHECK);
    refused.end(NOTHING);
    expect(await answerOf(refused)).toMatchObject({
      grpcStatus: "8",
      message: "at most 2 requests at once",
      isTrailersOnly: true,
    });
    first?.stream.close(8);
    await first?.answer;
    for (let turn = 0; turn < 20; turn++) await settle();
    const next = request(other, CHECK);
    next.end(NOTHING);
    expect(await answerOf(next)).toMatchObject({ grpcStatus: "0" });
  });

  test("closes connections above maxConnections", async () => {
    await using serving = await serve({ maxConnections: 1 });
    const held = serving.connect();
    await new Promise((resolve) => held.ping(resolve));
    const [host, port] = serving.server.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "close");
    expect(held.closed).toBe(false);
  });

  test.each([{ maxConnections: 0 }, { maxRequests: Number.NaN }, { maxHealthWatches: -1 }])(
    "%j is rejected",
    async (options) => {
      await using recorder = await testRecorder();
      await expect(openRecorderServer("127.0.0.1:0", recorder.service, options)).rejects.toThrow(
        OptionsError,
      );
    },
  );
});
