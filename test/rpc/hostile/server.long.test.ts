// The server against clients that are not gRPC clients, or break in the middle of a call: it stays up, and closes their connections.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { openRecorderServer, openTransport, recordRemote } from "../../../src/rpc/index.js";
import { numbered, WANTED } from "../../recorder/packets.js";
import { settle } from "../../recorder/sources.js";
import { type TestRecorder, testRecorder } from "../servers.js";
import { PENDING, settled } from "./clients.js";
import {
  continuation,
  data,
  FLAG,
  FRAME,
  frame,
  goaway,
  grpcMessage,
  HTTP2_CODES,
  headers,
  PREFACE,
  ping,
  rstStream,
  settings,
  windowUpdate,
} from "./frames.js";
import { PATHS } from "./messages.js";
import { seededBytes } from "./strangers.js";
import { watchUncaught } from "./uncaught.js";

const REQUEST_HEADERS = {
  ":method": "POST",
  ":scheme": "http",
  ":path": PATHS.record,
  ":authority": "recorder",
  "content-type": "application/grpc",
  te: "trailers",
} as const;

const HELLO = Buffer.concat([PREFACE, settings()]);

/** Up to a call that has begun, and not sent its start. */
const CALL = Buffer.concat([HELLO, headers(1, REQUEST_HEADERS)]);

const repeat = (count: number, bytes: Buffer) => Buffer.concat(Array.from({ length: count }, () => bytes));

/** A connection that Node neither reads nor closes after it broke the rules is closed when it does not answer pings. */
const PING_INTERVAL_MS = 1000;

interface HostileClient {
  readonly name: string;
  readonly sends: Uint8Array;
  /** Ends the connection itself; otherwise the server has to. */
  readonly next: "end" | "reset" | "wait";
}

const CLIENTS: readonly HostileClient[] = [
  { name: "random bytes", sends: seededBytes(11, 1000), next: "wait" },
  { name: "zeros", sends: Buffer.alloc(1000), next: "wait" },
  { name: "HTTP/1.1", sends: Buffer.from("GET / HTTP/1.1\r\nHost: recorder\r\n\r\n"), next: "wait" },
  { name: "a TLS handshake", sends: Buffer.from("16030100c4010000c00303", "hex"), next: "end" },
  { name: "no bytes, closed", sends: Buffer.alloc(0), next: "end" },
  { name: "no bytes, reset", sends: Buffer.alloc(0), next: "reset" },
  { name: "half a preface, closed", sends: PREFACE.subarray(0, 10), next: "end" },
  { name: "a preface, reset", sends: PREFACE, next: "reset" },
  {
    name: "half a frame, closed",
    sends: Buffer.concat([HELLO, headers(1, REQUEST_HEADERS).subarray(0, 15)]),
    next: "end",
  },
  { name: "64 bytes of 0xff", sends: Buffer.concat([HELLO, Buffer.alloc(64, 0xff)]), next: "wait" },
  { name: "64 bytes of 0xff in a call", sends: Buffer.concat([CALL, Buffer.alloc(64, 0xff)]), next: "wait" },
  { name: "HEADERS on stream 0", sends: Buffer.concat([HELLO, headers(0, REQUEST_HEADERS)]), next: "wait" },
  { name: "DATA on an idle stream", sends: Buffer.concat([HELLO, data(1, Buffer.alloc(5))]), next: "end" },
  {
    name: "invalid HPACK",
    sends: Buffer.concat([HELLO, frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0xff, 0xff, 0x7f]))]),
    next: "wait",
  },
  {
    name: "an endless header block",
    sends: Buffer.concat([
      HELLO,
      headers(1, REQUEST_HEADERS, { endHeaders: false }),
      repeat(2000, continuation(1, { x: "x".repeat(1000) })),
    ]),
    next: "end",
  },
  { name: "WINDOW_UPDATE of 0", sends: Buffer.concat([CALL, windowUpdate(0, 0)]), next: "wait" },
  { name: "a PING flood", sends: Buffer.concat([HELLO, repeat(20_000, ping("flood"))]), next: "end" },
  { name: "a SETTINGS flood", sends: Buffer.concat([HELLO, repeat(20_000, settings())]), next: "end" },
  {
    name: "calls started and reset",
    sends: Buffer.concat([
      HELLO,
      ...Array.from({ length: 500 }, (_, index) =>
        Buffer.concat([
          headers(2 * index + 1, REQUEST_HEADERS),
          rstStream(2 * index + 1, HTTP2_CODES.CANCEL),
        ]),
      ),
    ]),
    next: "end",
  },
  {
    name: "an unknown path",
    sends: Buffer.concat([HELLO, headers(1, { ...REQUEST_HEADERS, ":path": "/x" }, { endStream: true })]),
    next: "end",
  },
  {
    name: "no path",
    sends: Buffer.concat([HELLO, headers(1, { ":method": "POST" }, { endStream: true })]),
    next: "end",
  },
  {
    name: "a message that is not protobuf",
    sends: Buffer.concat([CALL, data(1, grpcMessage(Buffer.alloc(10, 0xff)))]),
    next: "end",
  },
  {
    name: "a message with a length of 4 GiB",
    sends: Buffer.concat([CALL, data(1, grpcMessage(Buffer.alloc(10), { length: 0xffffffff }))]),
    next: "end",
  },
  {
    name: "half a message, half-closed",
    sends: Buffer.concat([CALL, data(1, grpcMessage(Buffer.alloc(10)).subarray(0, 8), { endStream: true })]),
    next: "end",
  },
  { name: "a call, closed", sends: CALL, next: "end" },
  { name: "a call, reset", sends: CALL, next: "reset" },
  ...Object.entries(HTTP2_CODES).flatMap(([code, number]): HostileClient[] => [
    { name: `GOAWAY ${code} in a call`, sends: Buffer.concat([CALL, goaway(0, number)]), next: "end" },
    { name: `RST_STREAM ${code} of a call`, sends: Buffer.concat([CALL, rstStream(1, number)]), next: "end" },
  ]),
];

/** Plays a client, and resolves when the server has closed the connection. */
async function play({ sends, next }: HostileClient, address: string): Promise<void> {
  const { hostname, port } = new URL(`http://${address}`);
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on("error", () => {}).resume();
  await once(socket, "connect");
  const closed = once(socket, "close").catch(() => {});
  await new Promise<void>((resolve) => socket.write(sends, () => resolve()));
  // What is sent with a reset may never arrive.
  await settle();
  if (next === "end") socket.end();
  else if (next === "reset") socket.resetAndDestroy();
  const isClosed = (await settled(closed)) !== PENDING;
  socket.destroy();
  expect(isClosed).toBe(true);
}

async function recordOne(recorder: TestRecorder, address: string): Promise<void> {
  await using transport = openTransport(address);
  const recording = recordRemote(transport, WANTED);
  await recording.started;
  recorder.sources.at(-1)?.push(numbered(1));
  for await (const { packetsCaptured } of recording.updates) if (packetsCaptured === 1) recording.stop();
  expect((await recording.stopped).stats).toMatchObject({ packetsCaptured: 1, packetsLost: 0 });
}

describe("openRecorderServer", () => {
  test.each(CLIENTS)("serves others after a client that sends $name", async (client) => {
    using uncaught = watchUncaught();
    await using recorder = await testRecorder();
    const options = { pingIntervalMs: PING_INTERVAL_MS };
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, options);
    await play(client, server.address);
    await recordOne(recorder, server.address);
    expect(await uncaught.errors()).toEqual([]);
  });

  test("serves others while such clients are connected, and closes despite them", async () => {
    using uncaught = watchUncaught();
    await using recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service);
    const { port } = new URL(`http://${server.address}`);
    const sockets = CLIENTS.map(({ sends }) => {
      const socket = connect({ host: "127.0.0.1", port: Number(port) });
      // Nothing is read.
      socket.on("error", () => {}).write(sends);
      return socket;
    });
    await recordOne(recorder, server.address);
    await server.close({ graceMs: 100 });
    for (const socket of sockets) socket.destroy();
    await recorder.service.shutdown();
    expect(recorder.closed.size).toBe(recorder.sources.length);
    expect(await uncaught.errors()).toEqual([]);
  });
});
