import { once } from "node:events";
import { createServer as createHttp2Server, createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { beforeAll, expect, test } from "vitest";
import { openTransport, serverStatus } from "../../../src/rpc/index.js";
import { temporaryFolder } from "../../sink/folder.js";
import { describeWithPrograms } from "../../support/shared.js";
import { type Certificate, certificateAuthority } from "../certificates.js";

async function listen(server: Server): Promise<{ port: number } & Disposable> {
  // This file tests the messages of clients; the errors of the server are ignored.
  for (const event of ["tlsClientError", "sessionError", "clientError"]) server.on(event, () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    // A TCP server has an address of this form.
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]: () => server.close(),
  };
}

describeWithPrograms("openTransport: explains a failure of TLS", ["openssl"], () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let ca: Buffer;
  let server: Certificate;
  let byAddress: Certificate;
  let stranger: Certificate;
  beforeAll(async () => {
    folder = await temporaryFolder();
    const authority = certificateAuthority(folder.path);
    ca = authority.ca;
    server = authority.sign("server", "/CN=recorder", "DNS:localhost,DNS:*.hubble.cilium.io");
    byAddress = authority.sign("by-address", "/CN=relay", "IP:192.0.2.7,IP:2001:db8::7");
    await using other = await temporaryFolder();
    stranger = certificateAuthority(other.path).sign("stranger", "/CN=eve", "DNS:eve.example");
    return () => folder[Symbol.asyncDispose]();
  });

  /** The error of a call; the connection is made by name, or by address. */
  async function textOf(
    where: "localhost" | "127.0.0.1",
    running: Server,
    tls: Parameters<typeof openTransport>[1],
  ): Promise<string> {
    using listening = await listen(running);
    await using transport = openTransport(`${where}:${listening.port}`, tls);
    const error: unknown = await serverStatus(transport).catch((reason) => reason);
    expect(error).toMatchObject({ code: "rpc_failed", status: "UNAVAILABLE" });
    return (error as Error).message;
  }

  const tlsServer = () => createSecureServer({ cert: server.cert, key: server.key });
  const mutualServer = (maxVersion: "TLSv1.2" | "TLSv1.3") =>
    createSecureServer({
      ...{ cert: server.cert, key: server.key, ca: [ca], maxVersion },
      ...{ requestCert: true, rejectUnauthorized: true },
    });

  test("plaintext to a server with TLS", async () => {
    expect(await textOf("localhost", tlsServer(), {})).toContain("it may expect TLS (tls://)");
  });

  test.each([
    ["HTTP/2", () => createHttp2Server()],
    ["HTTP/1.1", () => createServer((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))],
    ["SSH", () => createServer((socket) => void socket.write("SSH-2.0-OpenSSH_9.6\r\n"))],
  ])("TLS to a plaintext server of %s", async (_name, running) => {
    const text = await textOf("localhost", running(), { tls: { ca: [ca] } });
    expect(text).toBe("the server does not speak TLS: connect without TLS (no tls://)");
  });

  test("TLS to an HTTP/1.1 server with TLS", async () => {
    const running = createHttpsServer({ cert: server.cert, key: server.key });
    const text = await textOf("localhost", running, { tls: { ca: [ca] } });
    expect(text).toContain("it is not a gRPC server");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("a missing client certificate, %s", async (version) => {
    const text = await textOf("localhost", mutualServer(version), { tls: { ca: [ca] } });
    expect(text).toContain("the server requires a client certificate");
    expect(text).toContain("--tls-client-cert-file");
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("a rejected client certificate, %s", async (version) => {
    const { cert, key } = stranger;
    const text = await textOf("localhost", mutualServer(version), { tls: { ca: [ca], cert, key } });
    expect(text).toContain("rejected the client's certificate");
  });

  test("an untrusted authority", async () => {
    const text = await textOf("localhost", tlsServer(), { tls: {} });
    expect(text).toContain("not signed by a trusted authority");
    expect(text).toContain("--tls-ca-cert-files");
  });

  test.each([
    { where: "127.0.0.1", serverName: undefined, name: "127.0.0.1" },
    { where: "localhost", serverName: "elsewhere.example", name: "elsewhere.example" },
  ] as const)("a certificate for other names than $name lists them", async ({ where, serverName, name }) => {
    const text = await textOf(where, tlsServer(), { tls: { ca: [ca], ...(serverName && { serverName }) } });
    expect(text).toContain(
      `the server's certificate is not for ${name}, it is for DNS:localhost, DNS:*.hubble.cilium.io`,
    );
    expect(text).toContain("--tls-server-name");
  });

  test("a certificate for other addresses lists them", async () => {
    const running = createSecureServer({ cert: byAddress.cert, key: byAddress.key });
    const text = await textOf("127.0.0.1", running, { tls: { ca: [ca] } });
    expect(text).toContain(
      "the server's certificate is not for 127.0.0.1, it is for IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7",
    );
  });

  test("files that are not PEM are reported before the first call", () => {
    const tls = { cert: "not PEM", key: "not PEM" };
    expect(() => openTransport("localhost:1", { tls })).toThrow(
      expect.objectContaining({ code: "invalid_target", message: expect.stringContaining("PEM expected") }),
    );
  });
});
