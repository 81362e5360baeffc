import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { beforeAll, describe, expect, test } from "vitest";
import { Recorder } from "../../src/gen/recorder/recorder_pb.js";
import type { RecordingRequest } from "../../src/recorder/index.js";
import {
  Health,
  openRecorderServer,
  openTransport,
  readClientTls,
  readServerTls,
  recordRemote,
  serverStatus,
} from "../../src/rpc/index.js";
import { fakeObserver } from "../../src/testing/index.js";
import { numbered, WANTED } from "../recorder/packets.js";
import { settle } from "../recorder/sources.js";
import { decodeFile, temporaryFolder } from "../sink/folder.js";
import { fakeClock } from "../support/fake-clock.js";
import { describeWithPrograms } from "../support/shared.js";
import { certificateAuthority } from "./certificates.js";
import { PREFACE, settings } from "./hostile/frames.js";
import { recordClient } from "./record-client.js";
import { serveGrpcJs, type TestRecorder, testRecorder } from "./servers.js";

/** Records three packets over a transport. */
async function recordThree(recorder: TestRecorder, transport: Parameters<typeof recordRemote>[0]) {
  const recording = recordRemote(transport, WANTED);
  expect(await recording.started).toEqual({ nodeName: "prod/node1" });
  recorder.sources.at(-1)?.push(numbered(3));
  for await (const { packetsCaptured } of recording.updates) if (packetsCaptured === 3) recording.stop();
  const result = await recording.stopped;
  expect(result.stats).toEqual({ packetsCaptured: 3, bytesCaptured: 138, packetsLost: 0, bytesLost: 0 });
  expect((await decodeFile(result.filePath)).ids).toEqual([0, 1, 2]);
}

describe("openRecorderServer: a unix socket", () => {
  test("is accessible to its owner only, and replaces the socket of a dead server", async () => {
    await using recorder = await testRecorder();
    await using folder = await temporaryFolder();
    const path = join(folder.path, "hubble.sock");
    await using server = await openRecorderServer(`unix://${path}`, recorder.service);
    expect(server.address).toBe(`unix://${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await using transport = openTransport(server.address);
    await recordThree(recorder, transport);
    await expect(openRecorderServer(`unix://${path}`, recorder.service)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  test("a regular file at its path is not removed", async () => {
    await using recorder = await testRecorder();
    await using folder = await temporaryFolder();
    const path = join(folder.path, "file");
    writeFileSync(path, "mine");
    await expect(openRecorderServer(`unix:${path}`, recorder.service)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  test("works with grpc-js on both sides", async () => {
    await using recorder = await testRecorder();
    await using folder = await temporaryFolder();
    const address = `unix:${join(folder.path, "grpc.sock")}`;
    await using _server = await serveGrpcJs(recorder.service, undefined, address);
    await using transport = openTransport(address);
    await recordThree(recorder, transport);
    using client = recordClient(address);
    client.send({ case: "stop", value: {} } as never);
    expect(await client.ended).toMatchObject({ code: "FAILED_PRECONDITION" });
  });

  test("a missing socket is UNAVAILABLE", async () => {
    await using transport = openTransport("unix:///nowhere/hubble.sock");
    const recording = recordRemote(transport, WANTED);
    await expect(recording.stopped).rejects.toMatchObject({ code: "rpc_failed", status: "UNAVAILABLE" });
  });
});

describe("openRecorderServer: protocols", () => {
  test.each([
    { name: "gRPC", create: (baseUrl: string) => createGrpcTransport({ baseUrl }) },
    {
      name: "gRPC-web",
      create: (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    },
    {
      name: "Connect, JSON",
      create: (baseUrl: string) =>
        createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
    },
  ])("$name", async ({ create }) => {
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await recordThree(recorder, create(`http://${server.address}`));
  });
});

describe("openRecorderServer: other services", () => {
  test("health is SERVING, and NOT_SERVING for watchers at the end", async () => {
    await using recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await using transport = openTransport(server.address);
    const client = createClient(Health, transport) as unknown as Record<
      string,
      (request: object) => Promise<{ status: number }> & AsyncIterable<{ status: number }>
    >;
    expect(await client.check?.({ service: Recorder.typeName })).toMatchObject({ status: 1 });
    expect(await client.check?.({})).toMatchObject({ status: 1 });
    await expect(client.check?.({ service: "x" })).rejects.toThrow("unknown service x");
    const seen: number[] = [];
    for await (const { status } of client.watch!({})) {
      seen.push(status);
      if (status === 1) void server.close();
    }
    expect(seen).toEqual([1, 2]);
    await server.close();
  });

  test("an unknown service is UNIMPLEMENTED", async () => {
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await using transport = openTransport(server.address);
    await expect(serverStatus(transport)).rejects.toMatchObject({ status: "UNIMPLEMENTED" });
  });

  test("serves the routes of the option", async () => {
    await using recorder = await testRecorder();
    const { routes } = fakeObserver({ version: "1.2.3" });
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, { routes });
    await using transport = openTransport(server.address);
    expect(await serverStatus(transport)).toMatchObject({ version: "1.2.3", maxFlows: 4095n });
  });
});

describeWithPrograms("openRecorderServer, openTransport: TLS", ["openssl"], () => {
  let authority: ReturnType<typeof certificateAuthority>;
  let serverPair: ReturnType<typeof authority.sign>;
  let clientPair: ReturnType<typeof authority.sign>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    folder = await temporaryFolder();
    authority = certificateAuthority(folder.path);
    serverPair = authority.sign("server", "/CN=recorder", "DNS:localhost,DNS:*.hubble.cilium.io");
    clientPair = authority.sign(
      "client",
      "/CN=alice",
      "DNS:alice.example,URI:spiffe://cluster/ns/ops/sa/alice",
    );
    return () => folder[Symbol.asyncDispose]();
  });

  test("with client certificates: the names in them are the peer's identities", async () => {
    const requests: RecordingRequest[] = [];
    await using recorder = await testRecorder({
      authorize: (request) => {
        requests.push(request);
        return request.peer?.identities.includes("spiffe://cluster/ns/ops/sa/alice") === true;
      },
    });
    const tls = await readServerTls({
      certFile: serverPair.certFile,
      keyFile: serverPair.keyFile,
      clientCaFiles: [authority.caFile],
    });
    await using server = await openRecorderServer("localhost:0", recorder.service, { tls });
    expect(server.address).toMatch(/^tls:\/\//);
    const port = server.address.split(":").at(-1);
    const clientTls = await readClientTls({
      caCertFiles: [authority.caFile],
      clientCertFile: clientPair.certFile,
      clientKeyFile: clientPair.keyFile,
    });
    await using transport = openTransport(`tls://localhost:${port}`, {
      tls: clientTls,
      basicAuth: { username: "alice", password: "s3cret" },
    });
    await recordThree(recorder, transport);
    expect(requests[0]?.peer).toMatchObject({
      identities: ["alice.example", "spiffe://cluster/ns/ops/sa/alice", "alice"],
      address: expect.stringMatching(/^(127\.0\.0\.1|\[::1\]):\d+$/),
    });
    expect(requests[0]?.peer?.header("Authorization")).toBe("Basic YWxpY2U6czNjcmV0");

    // By another name of the certificate, and with an independent client.
    await using named = openTransport(server.address, {
      tls: { ...clientTls, serverName: "x.hubble.cilium.io" },
    });
    await recordThree(recorder, named);
    using client = recordClient(`localhost:${port}`, {
      credentials: grpc.credentials.createSsl(authority.ca, clientPair.key, clientPair.cert),
    });
    client.send({ case: "start", value: WANTED } as never);
    expect((await client.next())?.responseType.case).toBe("running");
    client.cancel();

    for (const [reason, options] of [
      ["no client certificate", { tls: { ca: [authority.ca] } }],
      ["an authority that is not trusted", { tls: { cert: clientPair.cert, key: clientPair.key } }],
      ["another name", { tls: { ...clientTls, serverName: "elsewhere.example" } }],
    ] as const) {
      await using refused = openTransport(`tls://localhost:${port}`, options);
      const { stopped } = recordRemote(refused, WANTED);
      await expect(stopped, reason).rejects.toMatchObject({ code: "rpc_failed" });
    }
  });

  test("closes the connection of a client that breaks HTTP/2", async () => {
    await using recorder = await testRecorder();
    const tls = await readServerTls({ certFile: serverPair.certFile, keyFile: serverPair.keyFile });
    // The clock of its pings stands still.
    await using server = await openRecorderServer("localhost:0", recorder.service, {
      tls,
      clock: fakeClock(),
    });
    const port = Number(server.address.split(":").at(-1));
    const socket = connectTls({ host: "localhost", port, ca: authority.ca, ALPNProtocols: ["h2"] });
    socket.on("error", () => {});
    socket.resume();
    socket.write(Buffer.concat([PREFACE, settings(), Buffer.alloc(64, 0xff)]));
    await once(socket, "close");
    expect(socket.alpnProtocol).toBe("h2");
  });

  test("over grpc-js", async () => {
    let identities: readonly string[] | undefined;
    await using recorder = await testRecorder({
      authorize: ({ peer }) => {
        identities = peer?.identities;
        return true;
      },
    });
    const credentials = grpc.ServerCredentials.createSsl(
      authority.ca,
      [{ cert_chain: serverPair.cert, private_key: serverPair.key }],
      true,
    );
    await using server = await serveGrpcJs(recorder.service, credentials);
    await using transport = openTransport(server.address.replace("127.0.0.1", "localhost"), {
      tls: { ca: [authority.ca], cert: clientPair.cert, key: clientPair.key },
    });
    await recordThree(recorder, transport);
    expect(identities).toContain("spiffe://cluster/ns/ops/sa/alice");
  });

  test("setTls: replaces the certificates of a running server", async () => {
    await using recorder = await testRecorder();
    const { cert, key } = serverPair;
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, { tls: { cert, key } });
    const renewed = authority.sign("renewed", "/CN=recorder", "DNS:renewed.example");
    server.setTls({ cert: renewed.cert, key: renewed.key });
    await using transport = openTransport(server.address, {
      tls: { ca: [authority.ca], serverName: "renewed.example" },
    });
    await recordThree(recorder, transport);
  });
});

describe("recordRemote", () => {
  test("rejects with the signal's reason, and the server closes the file", async () => {
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await using transport = openTransport(server.address);
    const controller = new AbortController();
    const recording = recordRemote(transport, WANTED, { signal: controller.signal });
    await recording.started;
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(recording.stopped).rejects.toBe(reason);
    while (recorder.service.counters.running > 0) await settle();
    expect(recorder.service.counters.failed).toBe(1);
  });

  test("throws the issues of a start request, before anything is sent", async () => {
    await using transport = openTransport("127.0.0.1:1");
    // @ts-expect-error a caller without types
    expect(() => recordRemote(transport, { include: [{ protocol: "TCP" }] })).toThrow(
      expect.objectContaining({ code: "invalid_recording", issues: [expect.anything()] }),
    );
  });

  test("rejects with the server's message and status", async () => {
    await using recorder = await testRecorder();
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service);
    await using transport = openTransport(server.address);
    const recording = recordRemote(transport, {
      filesink: { filePrefix: "Ü, 100 %" },
      ...{ include: WANTED.include! },
    });
    await expect(recording.started).rejects.toMatchObject({
      status: "INVALID_ARGUMENT",
      message: 'invalid file sink prefix: "Ü, 100 %"',
    });
  });

  test("rejects with UNAVAILABLE when the server disconnects", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await using transport = openTransport(`127.0.0.1:${port}`);
    await expect(recordRemote(transport, WANTED).stopped).rejects.toMatchObject({ code: "rpc_failed" });
    server.close();
  });
});
