import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { openRecorderServer, type RecorderServer } from "../../../src/rpc/index.js";
import { fakeClock } from "../../support/fake-clock.js";
import { PATIENCE } from "../../support/patience.js";
import { describeWithPrograms } from "../../support/shared.js";
import { type Certificate, certificateAuthority } from "../certificates.js";
import { testRecorder } from "../servers.js";

const REQUEST = [
  "POST /grpc.health.v1.Health/Check HTTP/1.1",
  "Host: recorder",
  "Content-Type: application/json",
  "Content-Length: 2",
  "",
  "{}",
].join("\r\n");

describeWithPrograms("openRecorderServer: HTTP/1.1 over TLS", ["openssl"], () => {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-http1-"));
  let certificate: Certificate;

  beforeAll(() => {
    certificate = certificateAuthority(folder).sign("server", "/CN=localhost", "DNS:localhost");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  async function openSocket({ address }: RecorderServer): Promise<TLSSocket> {
    const port = Number(address.slice(address.lastIndexOf(":") + 1));
    const socket = connect({
      port,
      host: "127.0.0.1",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false,
    });
    socket.on("error", () => {});
    await once(socket, "secureConnect");
    return socket;
  }

  async function request(socket: TLSSocket): Promise<string> {
    socket.write(REQUEST);
    const [response] = await once(socket, "data");
    return String(response);
  }

  test("close() closes connections without a request at once", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    const tls = { cert: certificate.cert, key: certificate.key };
    const server = await openRecorderServer("127.0.0.1:0", recorder.service, { clock, tls });
    const unused = await openSocket(server);
    const used = await openSocket(server);
    expect(await request(used)).toMatch(/^HTTP\/1\.1 200 .*SERVING/s);
    const ends = [once(unused, "close"), once(used, "close")];
    unused.resume();
    used.resume();
    // The clock does not move, so no time limit ends this.
    await server.close();
    await Promise.all(ends);
  });

  test("closes a connection without a request after the ping interval", async () => {
    const clock = fakeClock();
    await using recorder = await testRecorder();
    const tls = { cert: certificate.cert, key: certificate.key };
    await using server = await openRecorderServer("127.0.0.1:0", recorder.service, {
      clock,
      tls,
      pingIntervalMs: 1000,
    });
    const socket = await openSocket(server);
    await request(socket);
    const closed = once(socket, "close");
    socket.resume();
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    clock.advance(1000);
    await closed;
  });
});
