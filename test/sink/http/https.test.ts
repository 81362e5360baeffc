import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpSinkOptions, openHttpSink } from "../../../src/sink/http/index.js";
import { type Certificate, certificateAuthority } from "../../rpc/certificates.js";
import { describeWithPrograms } from "../../support/shared.js";
import { temporaryFolder } from "../folder.js";
import { eventsOf } from "./http-server.js";

describeWithPrograms("openHttpSink: https", ["openssl"], () => {
  let ca: Buffer;
  let client: Certificate;
  let server: ReturnType<typeof createServer>;
  let url: string;
  beforeAll(async () => {
    await using folder = await temporaryFolder();
    const authority = certificateAuthority(folder.path);
    ca = authority.ca;
    client = authority.sign("client", "/CN=collector", "DNS:collector");
    const { cert, key } = authority.sign("server", "/CN=server", "DNS:flows.example");
    server = createServer(
      { cert, key, ca, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        request.resume().on("end", () => response.end());
      },
    );
    server.on("tlsClientError", () => {});
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // The server listens on a port.
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  test("sends with a client certificate to a server of the authority and name", async () => {
    await using sink = await openHttpSink(url, {
      tls: { ca, cert: client.cert, key: client.key, servername: "flows.example" },
    });
    await sink.write(eventsOf("1"));
    expect(sink.stats.written).toBe(1);
  });

  test.each<[string, () => HttpSinkOptions["tls"], RegExp]>([
    ["an unknown authority", () => ({ servername: "flows.example" }), /unable to verify|self.signed/],
    ["another name", () => ({ ca }), /does not match certificate's altnames|altnames/],
    [
      "no client certificate",
      () => ({ ca, servername: "flows.example" }),
      /certificate required|ECONNRESET|hang up/,
    ],
  ])("%s is a failure", async (_, tls, message) => {
    const options = tls();
    await using sink = await openHttpSink(url, options ? { tls: options } : {});
    await expect(sink.write(eventsOf("1"))).rejects.toThrow(message);
  });
});
