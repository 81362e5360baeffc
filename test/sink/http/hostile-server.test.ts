import { createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openHttpSink } from "../../../src/sink/http/index.js";
import { fakeClock } from "../../support/fake-clock.js";
import { eventsOf } from "./http-server.js";

const servers: { readonly server: Server; readonly sockets: Socket[] }[] = [];
afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** A server of bytes: calls back when the headers of a request have arrived. */
async function serveBytes(onRequest: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => onRequest(socket));
  });
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a port");
  return `http://127.0.0.1:${address.port}/`;
}

test.each<[string, string, RegExp]>([
  ["closes without an answer", "", /socket hang up/],
  ["closes in the headers", "HTTP/1.1 200 OK\r\nContent-Le", /socket hang up|Parse Error/],
  [
    "closes in the body",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    /the answer is incomplete: aborted/,
  ],
  [
    "closes in a chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    /the answer is incomplete/,
  ],
  [
    "breaks the chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
    /Parse Error|incomplete/,
  ],
  ["sends what is not HTTP", "220 mail.example ESMTP\r\n", /Parse Error/],
  ["sends endless headers", `HTTP/1.1 200 OK\r\nA: ${"x".repeat(100_000)}\r\n\r\n`, /Parse Error/],
  [
    "switches protocols",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    /switches protocols/,
  ],
])("openHttpSink: a server that %s is a failure", async (_, bytes, message) => {
  const sink = await openHttpSink(await serveBytes((socket) => socket.end(bytes)));
  const failure = { code: "sink_failed", message: expect.stringMatching(message) };
  await expect(sink.write(eventsOf("1"))).rejects.toMatchObject(failure);
  expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
});

test("openHttpSink: a server that is away is a failure", async () => {
  const url = await serveBytes(() => {});
  const { server } = servers.pop()!;
  await new Promise((resolve) => server.close(resolve));
  const sink = await openHttpSink(url);
  await expect(sink.write(eventsOf("1"))).rejects.toThrow(
    /^POST http:\/\/127\.0\.0\.1:\d+\/: .*ECONNREFUSED/,
  );
});

test.each<[string, (socket: Socket) => void]>([
  ["never answers", () => {}],
  ["ends in the headers", (socket) => socket.write("HTTP/1.1 200 OK\r\n")],
  ["ends in the body", (socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")],
  [
    "answers byte by byte",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      const send = () => {
        if (socket.writable) socket.write("x", () => setImmediate(send));
      };
      send();
    },
  ],
])("openHttpSink: a server that %s is a failure after timeoutMs", async (_, respond) => {
  const clock = fakeClock();
  let isClosed = () => {};
  const closed = new Promise<void>((resolve) => {
    isClosed = resolve;
  });
  const received = new Promise<void>((resolve) => {
    serveBytes((socket) => {
      socket.on("close", isClosed);
      respond(socket);
      resolve();
    }).then(async (url) => {
      const sink = await openHttpSink(url, { clock, timeoutMs: 5000 });
      written = sink.write(eventsOf("1"));
      written.catch(() => {});
    });
  });
  let written: Promise<void> = Promise.resolve();
  await received;
  clock.advance(5000);
  await expect(written).rejects.toThrow("no complete answer within 5000 ms");
  // The connection is not kept.
  await closed;
  expect(clock.pending).toBe(0);
});

test("openHttpSink: a write ends with its signal, and so does the connection", async () => {
  const controller = new AbortController();
  const reason = new Error("given up");
  let closed: Promise<void> = Promise.resolve();
  const url = await serveBytes((socket) => {
    closed = new Promise((resolve) => socket.on("close", () => resolve()));
    controller.abort(reason);
  });
  const sink = await openHttpSink(url);
  await expect(sink.write(eventsOf("1"), controller.signal)).rejects.toBe(reason);
  await closed;
});

test.each([
  [200, "stored"],
  [500, "failed"],
])("openHttpSink: of an endless answer with status %i, only a part is read", async (status, result) => {
  let sent = 0;
  let closed: Promise<void> = Promise.resolve();
  const url = await serveBytes((socket) => {
    closed = new Promise((resolve) => socket.on("close", () => resolve()));
    socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 1073741824\r\n\r\n`);
    const chunk = Buffer.alloc(16 * 1024, "x");
    const send = () => {
      while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
      if (!socket.destroyed) socket.once("drain", send);
    };
    send();
  });
  const sink = await openHttpSink(url);
  const written = await sink.write(eventsOf("1")).then(
    () => "stored",
    (error: Error) => {
      expect(error.message.length).toBeLessThan(500);
      return "failed";
    },
  );
  expect(written).toBe(result);
  await closed;
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});
