import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { openTransport, serverStatus, type TransportOptions } from "../../../src/rpc/index.js";
import { settle } from "../../recorder/sources.js";
import { fakeClock } from "../../support/fake-clock.js";
import { ServerConnection } from "../hostile/connection.js";
import { data, goaway, grpcMessage, headers, RESPONSE_HEADERS, trailers } from "../hostile/frames.js";
import { ANSWERS } from "../hostile/messages.js";

/** A server that answers each call with `answer`, and counts connections. */
async function openServer(answer: (connection: ServerConnection, streamId: number) => void, greets = true) {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const calls: ServerConnection[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++;
    sockets.add(socket);
    const connection = new ServerConnection(socket, {
      greets,
      onCall: ({ streamId }) => {
        calls.push(connection);
        answer(connection, streamId);
      },
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // A TCP server has an address of this form.
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    get accepted() {
      return accepted;
    },
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function complete(connection: ServerConnection, streamId: number): void {
  const [message] = ANSWERS.status;
  connection.send(
    headers(streamId, RESPONSE_HEADERS),
    data(streamId, grpcMessage(message!)),
    trailers(streamId),
  );
}

const silent = () => {};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

/** The error of a call, once time has passed by what makes it fail. */
async function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error) => error,
  );
}

test("openTransport: keeps one connection for all calls, and opens another after close()", async () => {
  using server = await openServer(complete);
  await using transport = openTransport(server.address);
  await Promise.all([serverStatus(transport), serverStatus(transport)]);
  await serverStatus(transport);
  expect(server.accepted).toBe(1);
  transport.close();
  await serverStatus(transport);
  expect(server.accepted).toBe(2);
});

test("openTransport: close() fails pending calls with CANCELLED", async () => {
  using server = await openServer(silent);
  const transport = openTransport(server.address);
  const failure = failureOf(serverStatus(transport));
  await until(() => server.calls.length === 1);
  transport.close();
  expect(await failure).toMatchObject({ status: "CANCELLED", message: "the transport was closed" });
});

test("openTransport: close() ends an attempt to connect", async () => {
  using server = await openServer(silent, false);
  const transport = openTransport(server.address);
  const failure = failureOf(serverStatus(transport));
  await until(() => server.accepted === 1);
  transport.close();
  expect(await failure).toMatchObject({ status: "CANCELLED" });
});

test("openTransport: fails after 20 s if the server does not send HTTP/2 SETTINGS", async () => {
  const clock = fakeClock();
  using server = await openServer(silent, false);
  await using transport = openTransport(server.address, { clock });
  const failure = failureOf(serverStatus(transport));
  await until(() => server.accepted === 1);
  clock.advance(20_000);
  expect(await failure).toMatchObject({
    status: "UNAVAILABLE",
    message: expect.stringContaining("may not be a gRPC server"),
  });
});

test.each([
  { name: "by default, after 50 s", options: {}, silentMs: 50_000 },
  { name: "after set times", options: { pingIntervalMs: 700, pingTimeoutMs: 300 }, silentMs: 1000 },
] satisfies { name: string; options: TransportOptions; silentMs: number }[])(
  "openTransport: detects a server that stops responding, $name",
  async ({ options, silentMs }) => {
    const clock = fakeClock();
    using server = await openServer((connection) => connection.stopReading());
    await using transport = openTransport(server.address, { ...options, clock });
    const failure = failureOf(serverStatus(transport));
    await until(() => server.calls.length === 1 && clock.pending === 1);
    clock.advance(silentMs);
    expect(await failure).toMatchObject({
      status: "UNAVAILABLE",
      message: expect.stringContaining("did not answer a ping"),
    });
  },
);

test("openTransport: never pings with pingIntervalMs 0", async () => {
  const clock = fakeClock();
  using server = await openServer((connection) => connection.stopReading());
  const transport = openTransport(server.address, { pingIntervalMs: 0, clock });
  const failure = failureOf(serverStatus(transport));
  await until(() => server.calls.length === 1);
  expect(clock.pending).toBe(0);
  transport.close();
  await failure;
});

test("openTransport: pings half as often after too_many_pings", async () => {
  const clock = fakeClock();
  using server = await openServer((connection) => {
    if (server.accepted === 1) connection.send(goaway(1, 11, "too_many_pings"));
    else connection.stopReading();
  });
  await using transport = openTransport(server.address, { pingIntervalMs: 1000, pingTimeoutMs: 1, clock });
  await expect(serverStatus(transport)).rejects.toMatchObject({
    status: "UNAVAILABLE",
    message: "the server closed the connection (GOAWAY ENHANCE_YOUR_CALM: too_many_pings)",
  });
  let isSettled = false;
  const failure = failureOf(serverStatus(transport)).finally(() => (isSettled = true));
  await until(() => server.calls.length === 2);
  clock.advance(1999);
  await settle();
  expect(isSettled).toBe(false);
  clock.advance(2);
  expect(await failure).toMatchObject({ status: "UNAVAILABLE" });
});

test("openTransport: replaces a connection that was not used for long", async () => {
  const clock = fakeClock();
  using server = await openServer(complete);
  await using transport = openTransport(server.address, { clock });
  await serverStatus(transport);
  clock.advance(5 * 60_000 + 1);
  await serverStatus(transport);
  expect(server.accepted).toBe(2);
});

test.each([
  { pingIntervalMs: -1 },
  { pingIntervalMs: Number.NaN },
  { pingIntervalMs: Number.POSITIVE_INFINITY },
  { pingTimeoutMs: 0 },
])("openTransport: rejects %o", (options) => {
  expect(() => openTransport("localhost:1", options)).toThrow(
    expect.objectContaining({ code: "invalid_options" }),
  );
});
