import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import type { NodeHandler } from "../../../src/rpc/grpc-message.js";
import { serverHandler } from "../../../src/rpc/server/handler.js";
import { fakeClock } from "../../support/fake-clock.js";

test("serverHandler: closes the connection of an HTTP/1.1 request that does not end in time", async () => {
  const clock = fakeClock();
  const limits = { maxRequests: 1, requestTimeoutMs: 1000, clock };
  const handle = serverHandler(
    () => {},
    () => true,
    limits,
  );
  const server = createServer(handle as Parameters<typeof createServer>[1] & NodeHandler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {});
  const requested = once(server, "request");
  const closed = once(socket, "close");
  socket.resume().write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n1");
  await requested;
  clock.advance(999);
  expect(socket.destroyed).toBe(false);
  clock.advance(1);
  await closed;
  expect(clock.pending).toBe(0);
  server.close();
});
