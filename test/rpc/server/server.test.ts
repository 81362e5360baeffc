import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { Observer } from "../../../src/gen/observer/observer_pb.js";
import { ChangeNotificationType, Peer } from "../../../src/gen/peer/peer_pb.js";
import {
  folderBytes,
  getAgentEvents,
  getDebugEvents,
  notifyPeers,
  openRecorderServer,
  openTransport,
  recordRemote,
} from "../../../src/rpc/index.js";
import { numbered, WANTED } from "../../recorder/packets.js";
import { settle } from "../../recorder/sources.js";
import { fakeClock } from "../../support/fake-clock.js";
import { testRecorder } from "../servers.js";

// RFC 9113, 3.4: what a client begins with, and an empty SETTINGS frame.
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

describe("openRecorderServer: connections", () => {
  test("that do not answer pings are closed", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, {
      clock,
      pingIntervalMs: 1000,
    });
    const [host, port] = server.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(PREFACE);
    socket.resume(); // Reads pings, and does not answer them.
    while (clock.pending === 0) await settle();
    clock.advance(1000);
    await settle();
    expect(socket.closed).toBe(false);
    clock.advance(1000);
    await once(socket, "close");
  });

  test("that answer pings stay open", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, {
      clock,
      pingIntervalMs: 1000,
    });
    await using transport = openTransport(server.address);
    const recording = recordRemote(transport, WANTED);
    await recording.started;
    for (let second = 0; second < 5; second++) {
      clock.advance(1000);
      for (let turn = 0; turn < 50; turn++) await settle();
    }
    recording.stop();
    expect((await recording.stopped).nodeName).toBe("prod/node1");
  });

  test("that are still open after the grace period are destroyed", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service, { clock });
    const [host, port] = server.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    await once(socket, "connect");
    await settle();
    const closing = server.close({ graceMs: 5000 });
    for (let turn = 0; turn < 20; turn++) await settle();
    clock.advance(5000);
    await closing;
    await server.close();
  });
});

describe("openRecorderServer: streaming calls", () => {
  const transport = createRouterTransport((router) => {
    router.service(Observer, {
      getAgentEvents: async function* ({ number }) {
        for (let count = 0; count < number; count++) yield { nodeName: `agent ${count}` };
      },
      getDebugEvents: async function* () {
        yield { nodeName: "debug" };
      },
    });
    router.service(Peer, {
      notify: async function* () {
        yield { name: "node-1", type: ChangeNotificationType.PEER_ADDED };
      },
    });
  });

  test("yield responses as they arrive", async () => {
    const names: string[] = [];
    for await (const { nodeName } of getAgentEvents(transport, { number: 2n })) names.push(nodeName);
    for await (const { nodeName } of getDebugEvents(transport)) names.push(nodeName);
    for await (const { name } of notifyPeers(transport)) names.push(name);
    expect(names).toEqual(["agent 0", "agent 1", "debug", "node-1"]);
  });

  test("fail with the reason of the signal", async () => {
    const reason = new Error("enough");
    await expect(notifyPeers(transport, { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
  });
});

test("openRecorderServer: a recording whose folder is removed fails with an error that names the cause", async () => {
  await using recorder = await testRecorder();
  await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
  await using transport = openTransport(server.address);
  const recording = recordRemote(transport, WANTED);
  await recording.started;
  recorder.sources[0]?.push(numbered(3));
  await settle();
  rmSync(recorder.folder, { recursive: true });
  recording.stop();
  await expect(recording.stopped).rejects.toThrow(
    /^recorder recording error: .* was removed while it was written/,
  );
  expect(recorder.service.counters).toMatchObject({ failed: 1, stopped: 0, running: 0 });
});

test("folderBytes: a missing folder has 0 bytes", async () => {
  expect(await folderBytes("/nowhere/at/all")).toBe(0);
});

describe("openRecorderServer: rejects", async () => {
  const { service } = await testRecorder();

  test("an address that is not a string", async () => {
    await expect(openRecorderServer(4244 as never, service)).rejects.toThrow(
      new TypeError("openRecorderServer: address must be a string, not 4244"),
    );
  });

  test("a certificate that is not PEM", async () => {
    await expect(
      openRecorderServer("localhost:0", service, { tls: { cert: "x", key: "y" } }),
    ).rejects.toThrow(/^tls: invalid certificate, key or CA \(PEM\): /);
  });

  test("a unix socket in a missing directory", async () => {
    await expect(openRecorderServer("unix:///no/such/a.sock", service)).rejects.toMatchObject({
      code: "open_failed",
      message: "/no/such/a.sock: no such directory: /no/such",
    });
  });
});
