// `flowscribe observe --server` against real servers on loopback and unix sockets.
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import { decodeExport, OUTPUT_FORMATS } from "../../../src/observer/index.js";
import {
  type GetFlowsResponse,
  GetFlowsResponseSchema,
  Observer,
  ServerStatusResponseSchema,
} from "../../../src/proto.js";
import { openRecorderServer, type RecorderServerOptions, readServerTls } from "../../../src/rpc/index.js";
import { type FakeObserver, type FakeObserverOptions, fakeObserver } from "../../../src/testing/index.js";
import { certificateAuthority } from "../../rpc/certificates.js";
import { testRecorder } from "../../rpc/servers.js";
import { describeWithPrograms } from "../../support/shared.js";
import { fakeIo, flowLine, oneTurn, outputOf, runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-server-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PODS = ["web", "cart", "db"];
const FLOWS = PODS.map((pod) => ({ from: `shop/${pod}:40000`, to: "10.0.0.2:80" }));

interface Hubble extends AsyncDisposable {
  readonly address: string;
  readonly observer: FakeObserver;
}

async function hubble(
  options: FakeObserverOptions = { flows: FLOWS },
  listen = "127.0.0.1:0",
  server: RecorderServerOptions = {},
): Promise<Hubble> {
  const observer = fakeObserver(options);
  const recorder = await testRecorder();
  const opened = await openRecorderServer(listen, recorder.service, { ...server, routes: observer.routes });
  return {
    address: opened.address,
    observer,
    [Symbol.asyncDispose]: async () => {
      await opened.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

function podsIn(output: string): string[] {
  return [...output.matchAll(/shop\/([a-z]+)/g)].map(([, pod = ""]) => pod);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

describe("observe --server", () => {
  test.each(["compact", "dict", "table", "jsonpb"])(
    "prints the same output as for files: %s",
    async (output) => {
      await using server = await hubble();
      const file = join(folder, `${output}.log`);
      writeFileSync(file, await outputOf(["observe", "--server", server.address, "-o", "jsonpb"]));
      const fromServer = await outputOf(["observe", "--server", server.address, "-o", output]);
      for (const pod of PODS) expect(fromServer).toContain(pod);
      expect(fromServer).toBe(await outputOf(["observe", "-o", output, file]));
    },
  );

  test.each(OUTPUT_FORMATS)("prints the flows received before the server failed: %s", async (output) => {
    const pods = PODS.map((pod) => flowLine(pod));
    const routes = (router: ConnectRouter) => {
      router.service(Observer, {
        async *getFlows() {
          for await (const event of decodeExport(pods)) yield event as GetFlowsResponse;
          throw new ConnectError("ring is gone", Code.Internal);
        },
        serverStatus: () => create(ServerStatusResponseSchema),
      });
    };
    const recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service, { routes });
    const { code, out, err } = await runFake(["observe", "--server", server.address, "-o", output]);
    await server.close({ graceMs: 0 });
    await recorder[Symbol.asyncDispose]();
    expect(code).toBe(EXIT.failed);
    expect(err).toContain("ring is gone");
    expect(out).toBe(await outputOf(["observe", "-o", output], { stdin: pods.join("") }));
    for (const pod of PODS) expect(out).toContain(pod);
  });

  test("prints unknown extensions as bytes, with one warning", async () => {
    const flows = [1, 2].map((byte) => ({
      ...FLOWS[0]!,
      extensions: { typeUrl: "t/utils.RetinaMetadata", value: Uint8Array.of(byte) },
    }));
    await using server = await hubble({ flows });
    const { code, out, err } = await runFake(["observe", "--server", server.address, "-o", "jsonpb"]);
    expect(code).toBe(EXIT.ok);
    expect(
      out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).flow.extensions),
    ).toEqual([
      { "@type": "t/utils.RetinaMetadata", "@value": "AQ==" },
      { "@type": "t/utils.RetinaMetadata", "@value": "Ag==" },
    ]);
    expect(err).toBe(
      "extensions of type t/utils.RetinaMetadata cannot be decoded; they are printed as bytes\n",
    );
  });

  test("skips an event without a JSON form and prints the next", async () => {
    const events = [0, 1, 2].map((index) =>
      create(GetFlowsResponseSchema, {
        responseTypes: {
          case: "flow",
          value: {
            uuid: String(index),
            time: index === 1 ? { seconds: 10n ** 15n, nanos: -5 } : { seconds: 1n },
          },
        },
      }),
    );
    const routes = (router: ConnectRouter) => {
      router.service(Observer, {
        async *getFlows() {
          yield* events;
        },
        serverStatus: () => create(ServerStatusResponseSchema),
      });
    };
    const recorder = await testRecorder();
    const server = await openRecorderServer("127.0.0.1:0", recorder.service, { routes });
    const { code, out, err } = await runFake(["observe", "--server", server.address, "-o", "jsonpb"]);
    await server.close({ graceMs: 0 });
    await recorder[Symbol.asyncDispose]();
    expect(code).toBe(EXIT.ok);
    const uuids = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).flow.uuid);
    expect(uuids).toEqual(["0", "2"]);
    expect(err.trimEnd().split("\n")).toEqual([
      `${server.address}: the flow with UUID 1 has no JSON form: google.protobuf.Timestamp: seconds out of range 1000000000000000`,
      `${server.address}: 1 event skipped`,
    ]);
  });

  test("connects to a unix socket", async () => {
    await using server = await hubble(undefined, `unix://${join(folder, "hubble.sock")}`);
    expect(podsIn(await outputOf(["observe", "--server", server.address]))).toEqual(PODS);
  });

  test("sends filters and selection to the server", async () => {
    await using server = await hubble();
    const args = ["observe", "--server", server.address, "--last", "1", "--not", "--pod", "shop/db"];
    expect(podsIn(await outputOf(args))).toEqual(["cart"]);
    const [request] = server.observer.requests;
    expect(request).toMatchObject({ number: 1n, first: false, follow: false, whitelist: [] });
    expect(request?.blacklist).toHaveLength(2);
  });

  test("requests the last 20 flows without --first, --last, --all, --since or --until", async () => {
    await using server = await hubble({ flows: Array.from({ length: 30 }, () => FLOWS[0]!) });
    expect(podsIn(await outputOf(["observe", "--server", server.address]))).toHaveLength(20);
  });

  test("explains flows that do not match, too", async () => {
    await using server = await hubble();
    const out = await outputOf(["observe", "--server", server.address, "--explain", "--pod", "shop/db"]);
    expect(out.match(/does not pass/g)).toHaveLength(2);
  });

  test("applies field masks", async () => {
    await using server = await hubble();
    const args = ["observe", "--server", server.address, "-o", "jsonpb", "--last", "1"];
    const out = await outputOf([...args, "--experimental-field-mask", "source.pod_name"]);
    expect(JSON.parse(out).flow).toEqual({ source: { pod_name: "db" } });
  });

  test("uses HUBBLE_SERVER when no file is named", async () => {
    await using server = await hubble();
    const env = { HUBBLE_SERVER: server.address };
    expect(podsIn(await outputOf(["observe"], { env, stdin: flowLine("stdin") }))).toEqual(PODS);
    expect(podsIn(await outputOf(["observe", "-"], { env, stdin: flowLine("stdin") }))).toEqual(["stdin"]);
    expect(server.observer.requests).toHaveLength(1);
  });
});

describe("observe --server --follow", () => {
  test("prints flows as they arrive, until it is interrupted", async () => {
    await using server = await hubble();
    const io = fakeIo();
    const ended = runCli(["observe", "--server", server.address, "--follow", "--last", "1"], io);
    await until(() => podsIn(io.out()).length === 1);
    server.observer.push({ from: "shop/late", to: "10.0.0.2:80" });
    await until(() => podsIn(io.out()).length === 2);
    io.interrupt("SIGTERM");
    expect(await ended).toBe(EXIT.ok);
    expect({ pods: podsIn(io.out()), err: io.err() }).toEqual({ pods: ["db", "late"], err: "" });
  });

  test("reconnects after a lost connection and reports it", async () => {
    await using server = await hubble({ flows: [] });
    const { observer, address } = server;
    const io = fakeIo();
    const ended = runCli(["observe", "--server", address, "--follow"], io);
    await until(() => observer.streams === 1);
    observer.push({ from: "shop/a", to: "10.0.0.2:80" });
    await until(() => podsIn(io.out()).length === 1);
    observer.disconnect();
    await until(() => observer.streams === 0);
    observer.push({ from: "shop/b", to: "10.0.0.2:80" });
    while (observer.streams === 0) {
      io.clock.advance(1000);
      await oneTurn();
    }
    await until(() => podsIn(io.out()).length === 2);
    io.interrupt();
    expect(await ended).toBe(EXIT.ok);
    expect(podsIn(io.out())).toEqual(["a", "b"]);
    expect(io.err()).toBe(`${address}: reconnected after a lost connection\n`);
  });

  test("does not reconnect with --reconnect=false", async () => {
    await using server = await hubble();
    const io = fakeIo();
    const ended = runCli(["observe", "--server", server.address, "-f", "--reconnect=false"], io);
    await until(() => server.observer.streams === 1);
    server.observer.disconnect();
    expect(await ended).toBe(EXIT.failed);
    expect(io.err()).toMatch(/^127\.0\.0\.1:\d+: rpc error: code = Unavailable desc = .+\n$/);
  });
});

describe("observe: an unreachable server", () => {
  test("is reported at once, also with --follow", async () => {
    const address = `unix://${join(folder, "none.sock")}`;
    for (const more of [[], ["--follow"]]) {
      const { code, out, err } = await runFake(["observe", "--server", address, ...more]);
      expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
      expect(err.startsWith(`${address}: rpc error: code = Unavailable desc = `)).toBe(true);
    }
  });

  test("ends when interrupted", async () => {
    const io = fakeIo();
    io.interrupt("SIGTERM");
    expect(await runCli(["observe", "--server", "192.0.2.1:1"], io)).toBe(EXIT.terminated);
  });
});

describe("observe: a server that accepts the connection and never responds", () => {
  test.each([
    { args: ["observe"] },
    { args: ["status"] },
    { args: ["record", "0.0.0.0/0 0 0.0.0.0/0 0 ANY"] },
  ])("is reported with the likely cause by $args.0", async ({ args }) => {
    const silent = createServer();
    await once(silent.listen(0, "127.0.0.1"), "listening");
    // A server that listens on TCP has an address of this kind.
    const { port } = silent.address() as AddressInfo;
    const server = `127.0.0.1:${port}`;
    const outcome = await runFake([...args, "--server", server, "--timeout", "100ms"]);
    silent.close();
    expect(outcome).toEqual({
      code: EXIT.failed,
      out: "",
      err:
        `${server}: rpc error: code = DeadlineExceeded desc = the server did not answer within 0.1 s (--timeout): ` +
        "it may not be a gRPC server, or expect TLS (tls://)\n",
    });
  });
});

describe("observe: usage errors with --server", () => {
  test.each([
    { args: ["--server", "a:1", "file"], err: "cannot set both --server and files" },
    { args: ["--server", "a:1", "-"], err: "cannot set both --server and files" },
    { args: ["--server", "http://a"], err: 'invalid server address "http://a": unknown scheme' },
    { args: ["--server", "a:1", "--tls-ca-cert-files", "x"], err: "--tls-ca-cert-files needs --tls, or" },
    { args: ["--server", "a:1", "--tls-allow-insecure"], err: "--tls-allow-insecure needs --tls, or" },
    { args: ["--tls", "file"], err: "--tls needs --server" },
    { args: ["--server", "a:1", "--timeout", "0"], err: "--timeout must be above 0" },
    { args: ["--keepalive", "10s", "file"], err: "--keepalive needs --server" },
    { args: ["--server", "a:1", "--keepalive", "-1s"], err: "--keepalive must not be below 0" },
    { args: ["--server", "a:1", "--keepalive", "1000h"], err: "--keepalive must not be above 24 days" },
    {
      args: ["--server", "tls://a:1", "--tls-client-cert-file", "x"],
      err: "--tls-client-cert-file and --tls-client-key-file need each other",
    },
    {
      args: ["--server", "a:1", "--basic-auth-username", "x"],
      err: "--basic-auth-username and --basic-auth-password need each other",
    },
    {
      args: ["--server", "a:1", "--basic-auth-username", "x", "--basic-auth-password", "y"],
      err: "basic authentication needs TLS",
    },
    {
      args: ["--server", "a:1", "--guess-replies"],
      err: "--guess-replies requires files; it has no effect with --server a:1",
    },
    { args: ["--server", "a:1", "-o", "xml"], err: "invalid output format: xml" },
    { args: ["--server", "a:1", "--cel-expression", "1 +"], err: "" },
    { args: [], env: { HUBBLE_SERVER: "a:1", HUBBLE_TLS: "perhaps" }, err: "invalid HUBBLE_TLS: " },
    { args: [], env: { HUBBLE_SERVER: "a:1", HUBBLE_TIMEOUT: "soon" }, err: "invalid HUBBLE_TIMEOUT: " },
  ])("rejects $args (environment: $env)", async ({ args, err, env = {} }) => {
    const outcome = await runFake(["observe", ...args], { env });
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: EXIT.usage, out: "" });
    expect(outcome.err.startsWith(err)).toBe(true);
  });

  test("reports a missing TLS file", async () => {
    const args = ["observe", "--server", "tls://a:1", "--tls-ca-cert-files", "/no/such"];
    expect(await runFake(args)).toMatchObject({
      code: EXIT.failed,
      err: "open /no/such: no such file or directory\n",
    });
  });
});

describeWithPrograms("observe --server: TLS", ["openssl"], () => {
  async function secure() {
    const authority = certificateAuthority(mkdtempSync(join(folder, "tls-")));
    const { certFile, keyFile } = authority.sign("server", "/CN=relay", "DNS:relay.example.com");
    const client = authority.sign("client", "/CN=ops", "DNS:ops.example.com");
    const tls = await readServerTls({ certFile, keyFile, clientCaFiles: [authority.caFile] });
    const running = await hubble({ flows: FLOWS }, "127.0.0.1:0", { tls });
    return { running, authority, client };
  }

  test("presents a client certificate and verifies the name of the server", async () => {
    const { running, authority, client } = await secure();
    await using server = running;
    const address = server.address.replace("tls://", "");
    const flags = [
      ...["observe", "--server", address, "--tls", "--tls-ca-cert-files", authority.caFile],
      ...["--tls-client-cert-file", client.certFile, "--tls-client-key-file", client.keyFile],
    ];
    expect(podsIn(await outputOf([...flags, "--tls-server-name", "relay.example.com"]))).toEqual(PODS);
    expect(podsIn(await outputOf([...flags, "--tls-allow-insecure"]))).toEqual(PODS);
    const wrong = await runFake([...flags, "--tls-server-name", "other.example.com"]);
    expect({ code: wrong.code, out: wrong.out }).toEqual({ code: EXIT.failed, out: "" });
    expect(wrong.err).toContain("other.example.com");
  });

  test("reads all TLS settings from the environment", async () => {
    const { running, authority, client } = await secure();
    await using server = running;
    const env = {
      HUBBLE_SERVER: server.address,
      HUBBLE_TLS_CA_CERT_FILES: authority.caFile,
      HUBBLE_TLS_CLIENT_CERT_FILE: client.certFile,
      HUBBLE_TLS_CLIENT_KEY_FILE: client.keyFile,
      HUBBLE_TLS_SERVER_NAME: "relay.example.com",
      HUBBLE_BASIC_AUTH_USERNAME: "ops",
      HUBBLE_BASIC_AUTH_PASSWORD: "secret",
    };
    expect(podsIn(await outputOf(["observe"], { env }))).toEqual(PODS);
  });
});

describe("observe --server: the version of the server", () => {
  const CLUSTER_FLOW = { from: "shop/web:40000", to: "10.0.0.2:80" };
  const filtersOf = ({ requests }: FakeObserver) =>
    requests.map(({ whitelist, fieldMask }) => ({
      node: whitelist[0]?.nodeName,
      cluster: whitelist[0]?.sourceClusterName,
      isMasked: fieldMask !== undefined,
    }));
  const AS_1_16 = [{ node: ["c1/"], cluster: [], isMasked: false }];
  const AS_1_19 = [{ node: [], cluster: ["c1"], isMasked: true }];

  test.each([
    { version: "1.16.2", expected: AS_1_16 },
    { version: "cilium-agent 1.16.9+g1234", expected: AS_1_16 },
    { version: "v1.17.0", expected: AS_1_19 },
    { version: "hubble-relay v1.19.4+g3a1b", expected: AS_1_19 },
    { version: "2.0.0", expected: AS_1_19 },
    { version: "unknown", expected: AS_1_16 },
    { version: "", expected: AS_1_16 },
  ])("parses flags and sends masks like $version", async ({ version, expected }) => {
    await using server = await hubble({ flows: [CLUSTER_FLOW], version });
    const { err } = await runFake(["observe", "--server", server.address, "--cluster", "c1"]);
    expect(filtersOf(server.observer)).toEqual(expected);
    expect(err).toBe("");
  });

  test.each([
    { given: "1.16", version: "1.19.4", expected: AS_1_16, other: "1.19" },
    { given: "1.19", version: "1.16.2", expected: AS_1_19, other: "1.16" },
  ])("--hubble-version $given applies to a server of $version, with a message", async (row) => {
    await using server = await hubble({ flows: [CLUSTER_FLOW], version: row.version });
    const flags = ["--hubble-version", row.given, "--cluster", "c1"];
    const { err } = await runFake(["observe", "--server", server.address, ...flags]);
    expect(filtersOf(server.observer)).toEqual(row.expected);
    expect(err.trimEnd()).toContain(
      `the server is like Hubble ${row.other}, which differs from --hubble-version`,
    );
    expect(err.trimEnd().split("\n").length).toBe(1);
  });

  const CONFLICT = ["--cluster", "c1", "--node-name", "n"];

  test("accepts flags that only the version of the server accepts", async () => {
    await using server = await hubble({ flows: [CLUSTER_FLOW], version: "1.19.4" });
    const { code } = await runFake(["observe", "--server", server.address, ...CONFLICT]);
    expect(code).toBe(EXIT.ok);
    expect(server.observer.requests[0]?.whitelist[0]?.nodeName).toEqual(["n"]);
  });

  test("rejects flags that the version of the server rejects", async () => {
    await using old = await hubble({ flows: [CLUSTER_FLOW], version: "1.16.2" });
    const conflict = await runFake(["observe", "--server", old.address, ...CONFLICT]);
    expect(conflict.err).toContain("filters --node-name and --cluster cannot be combined");
    await using recent = await hubble({ flows: [CLUSTER_FLOW], version: "1.19.4" });
    const removed = await runFake(["observe", "--server", recent.address, "-t", "recorder"]);
    expect(removed.err).toContain("unable to parse type 'recorder'");
    expect([...old.observer.requests, ...recent.observer.requests]).toEqual([]);
  });

  test("--use-default-field-masks=false requests whole flows, and JSON always does", async () => {
    await using server = await hubble({ flows: [CLUSTER_FLOW], version: "1.19.4" });
    await runFake(["observe", "--server", server.address, "--use-default-field-masks=false"]);
    await runFake(["observe", "--server", server.address, "-o", "jsonpb"]);
    await runFake(["observe", "--server", server.address, "-o", "jsonpb", "--field-mask", "time,verdict"]);
    expect(server.observer.requests.map(({ fieldMask }) => fieldMask?.paths)).toEqual([
      undefined,
      undefined,
      ["time", "verdict"],
    ]);
  });
});
