// `flowscribe serve` on loopback and unix sockets, with packets that the test sends.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT, type ExitCode } from "../../../src/cli/exit-code.js";
import type { CaptureRequest } from "../../../src/cli/record/packets/open-device.js";
import { readServeOptions } from "../../../src/cli/serve/options.js";
import { RENEWAL_INTERVAL_MS } from "../../../src/cli/serve/renew-tls.js";
import { serve } from "../../../src/cli/serve/serve.js";
import { DEFAULT_RECORDER_LIMITS } from "../../../src/recorder/index.js";
import { openTransport, recordRemote, serverStatus, type TransportOptions } from "../../../src/rpc/index.js";
import { numbered } from "../../recorder/packets.js";
import { type ControlledSource, controlledSource } from "../../recorder/sources.js";
import { certificateAuthority } from "../../rpc/certificates.js";
import { decodeFile } from "../../sink/folder.js";
import { describeUnless, describeWithPrograms } from "../../support/shared.js";
import { type FakeIo, fakeIo, oneTurn, outputOf, runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-serve-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ALL = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };

interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

interface Serving extends AsyncDisposable {
  readonly io: FakeIo;
  readonly address: string;
  readonly folder: string;
  /** The sources of recordings, without the one that was opened to check the device. */
  readonly sources: readonly ControlledSource[];
  readonly requests: readonly CaptureRequest[];
  readonly ended: Promise<ExitCode>;
  log(event: string): LogLine[];
}

let count = 0;

/** Serves, until the end of the test at the latest. */
async function serving(...flags: readonly string[]): Promise<Serving> {
  const pcaps = join(folder, `pcaps-${count++}`);
  const io = fakeIo();
  const sources: ControlledSource[] = [];
  const requests: CaptureRequest[] = [];
  const listen = flags.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"];
  const options = readServeOptions(["-i", "eth0", "--folder", pcaps, ...listen, ...flags])!;
  const ended = serve(options, io, async (_, request) => {
    const source = controlledSource();
    sources.push(source);
    requests.push(request);
    return source;
  });
  const log = (event: string) =>
    io
      .err()
      .split("\n")
      .filter((line) => line !== "")
      .map((line): LogLine => JSON.parse(line))
      .filter((line) => line.event === event);
  await Promise.race([ended, until(() => log("listening").length > 0)]);
  return {
    io,
    address: String(log("listening")[0]?.address),
    folder: pcaps,
    get sources() {
      return sources.slice(1);
    },
    get requests() {
      return requests.slice(1);
    },
    ended,
    log,
    [Symbol.asyncDispose]: async () => {
      io.interrupt();
      await ended;
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

function record(address: string, prefix = "", options: TransportOptions = {}) {
  const transport = openTransport(address, options);
  const recording = recordRemote(transport, { include: [ALL], filesink: { filePrefix: prefix } });
  recording.stopped.catch(() => {});
  recording.started.catch(() => {});
  return { ...recording, transport, [Symbol.asyncDispose]: async () => transport.close() };
}

describe("serve: a recording", () => {
  test("is written to the folder, and logged", async () => {
    await using server = await serving("--node", "prod/node1");
    await using recording = record(server.address, "test");
    await recording.started;
    server.sources[0]?.push(numbered(3, 1));
    await until(() => server.sources[0]?.unread === 0);
    recording.stop();
    const { filePath, stats, nodeName } = await recording.stopped;
    expect({ nodeName, packets: Number(stats.packetsCaptured) }).toEqual({
      nodeName: "prod/node1",
      packets: 3,
    });
    expect(filePath.startsWith(join(server.folder, "test_"))).toBe(true);
    expect((await decodeFile(filePath)).ids).toEqual([1, 2, 3]);
    await until(() => server.log("recording-stopped").length > 0);
    expect(server.requests).toMatchObject([{ include: [ALL] }]);
    const client = expect.stringMatching(/^127\.0\.0\.1:\d+$/);
    expect(server.log("recording-requested")).toEqual([
      {
        time: expect.any(String),
        level: "info",
        event: "recording-requested",
        call: 1,
        client,
        identities: [],
        filters: 1,
        include: ["0.0.0.0/0 0 0.0.0.0/0 0 ANY"],
        prefix: "test",
      },
    ]);
    expect(server.log("recording-started")).toMatchObject([{ call: 1, client }]);
    expect(server.log("recording-stopped")).toMatchObject([
      { level: "info", call: 1, client, file: filePath, packets: 3, packetsLost: 0 },
    ]);
  });

  test("is completed on SIGTERM, and its client is notified", async () => {
    const server = await serving();
    await using recording = record(server.address);
    await recording.started;
    server.sources[0]?.push(numbered(1, 7));
    server.io.interrupt("SIGTERM");
    expect(await server.ended).toBe(EXIT.ok);
    const { filePath } = await recording.stopped;
    expect((await decodeFile(filePath)).ids).toEqual([7]);
    expect(server.log("shutting-down")).toMatchObject([{ recordings: 1 }]);
    expect(server.log("stopped")).toHaveLength(1);
  });

  test("fails when its client disconnects, and is logged once", async () => {
    await using server = await serving();
    await using recording = record(server.address);
    await recording.started;
    recording.transport.close();
    await until(() => server.log("recording-failed").length > 0);
    expect(server.log("recording-failed")).toMatchObject([{ level: "warn", call: 1 }]);
    expect(server.log("call-refused")).toEqual([]);
  });

  test("is rejected beyond a limit", async () => {
    await using server = await serving("--max-recordings", "1");
    await using first = record(server.address);
    await first.started;
    await using second = record(server.address);
    await expect(second.stopped).rejects.toMatchObject({ status: "RESOURCE_EXHAUSTED" });
    expect(server.log("call-refused")).toMatchObject([
      { call: 2, status: "RESOURCE_EXHAUSTED", message: expect.stringContaining("at most 1 recordings") },
    ]);
  });

  test("fails at the size limit of the folder", async () => {
    await using server = await serving("--max-stored-bytes", "100");
    writeFileSync(join(server.folder, "old"), Buffer.alloc(100));
    await using recording = record(server.address);
    await expect(recording.stopped).rejects.toMatchObject({ status: "RESOURCE_EXHAUSTED" });
  });

  test("is available through a unix socket with the configured permissions", async () => {
    const path = join(folder, "r.sock");
    await using server = await serving("--listen", `unix://${path}`, "--socket-mode", "0660");
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await using recording = record(server.address);
    await recording.started;
    expect(server.log("recording-requested")).toMatchObject([{ client: "unix" }]);
  });

  test("is written as pcapng on request", async () => {
    await using server = await serving("--format", "pcapng");
    await using recording = record(server.address);
    await recording.started;
    recording.stop();
    const { filePath } = await recording.stopped;
    expect(readFileSync(filePath).readUInt32BE(0)).toBe(0x0a0d0d0a);
  });

  test("of a hostile client cannot inject lines into the log", async () => {
    await using server = await serving();
    await using recording = record(
      server.address,
      `\u001b[2J\n{"event":"x"}\u009b\u202e${"y".repeat(10_000)}`,
    );
    await expect(recording.stopped).rejects.toThrow();
    await until(() => server.log("call-refused").length > 0);
    expect(server.io.err()).toMatch(/^[ -~…\n]*$/);
    expect(server.io.err().length).toBeLessThan(4000);
    expect(server.log("x")).toEqual([]);
    expect(String(server.log("recording-requested")[0]?.prefix).startsWith("\u001b[2J\n{")).toBe(true);
  });
});

describe("serve: health and metrics", () => {
  test("status reports it as healthy; without --health the health is unknown", async () => {
    await using server = await serving();
    expect((await runFake(["status", "--server", server.address])).out).toContain("Ok");
    await using silent = await serving("--health=false", "--reflection=false");
    expect((await runFake(["status", "--server", silent.address])).code).toBe(EXIT.failed);
    await using transport = openTransport(server.address);
    await expect(serverStatus(transport)).rejects.toMatchObject({ status: "UNIMPLEMENTED" });
  });

  test("serves metrics on a separate port, and on no other path", async () => {
    await using server = await serving("--metrics-listen", "localhost:0");
    const url = String(server.log("metrics-listening")[0]?.address);
    await using recording = record(server.address);
    await recording.started;
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await response.text()).toContain("\nflowscribe_recorder_recordings 1\n");
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
    expect((await fetch(new URL("/", url))).status).toBe(404);
  });

  test("reports an address in use, for metrics and for recordings", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const inUse = `127.0.0.1:${port}`;
    const text = `cannot listen on ${inUse}: listen: address already in use`;
    await expect(serving("--listen", inUse)).rejects.toThrow(text);
    await expect(serving("--metrics-listen", inUse)).rejects.toThrow(text);
    await new Promise((resolve) => other.close(resolve));
  });
});

const ownAddresses = Object.values(networkInterfaces()).flatMap((list = []) =>
  list.map(({ address }) => address),
);
const noIpv6 = ownAddresses.includes("::1") ? undefined : "no IPv6 on the loopback device";

describe("serve: access", () => {
  test.each(["127.0.0.1:0", "127.9.9.9:0", "localhost:0"])("allows all clients at %s", async (listen) => {
    await using server = await serving("--listen", listen);
    expect(server.log("listening")).toHaveLength(1);
  });

  describeUnless("IPv6", noIpv6, () => {
    test("allows all clients at [::1]:0", async () => {
      await using server = await serving("--listen", "[::1]:0");
      expect(server.log("listening")).toHaveLength(1);
    });
  });

  test.each(["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])(
    "refuses to listen at %s without --allow-anyone or client certificates",
    async (listen) => {
      const text = "could record: require certificates with --tls-client-ca-files";
      await expect(serving("--listen", listen)).rejects.toThrow(text);
    },
  );

  test("reports an unknown host name", async () => {
    const text = "cannot listen on no-such-host.invalid: getaddrinfo";
    await expect(serving("--listen", "no-such-host.invalid:0")).rejects.toThrow(text);
  });

  test("allows all clients at any address with --allow-anyone", async () => {
    await using server = await serving("--listen", "0.0.0.0:0", "--allow-anyone");
    expect(server.log("listening")).toMatchObject([{ allowAnyone: true, tls: false }]);
  });
});

describeWithPrograms("serve: TLS", ["openssl"], () => {
  function certificates() {
    const authority = certificateAuthority(mkdtempSync(join(folder, "tls-")));
    const server = authority.sign("server", "/CN=recorder", "IP:127.0.0.1");
    const ops = authority.sign("ops", "/CN=ops", "URI:spiffe://example.com/ops");
    const guest = authority.sign("guest", "/CN=guest", "DNS:guest.example.com");
    const flags = ["--tls-cert-file", server.certFile, "--tls-key-file", server.keyFile];
    return {
      authority,
      server,
      ops,
      guest,
      flags,
      mutual: [...flags, "--tls-client-ca-files", authority.caFile],
    };
  }

  let made: ReturnType<typeof certificates> | undefined;
  /** For tests that do not change the files. */
  const sharedCertificates = () => (made ??= certificates());

  test("refuses to listen for all clients with a server certificate only", async () => {
    const { flags } = sharedCertificates();
    await expect(serving("--listen", "0.0.0.0:0", ...flags)).rejects.toThrow("could record");
  });

  test("accepts only certificates of the authority, and lets only allowed names record", async () => {
    const { authority, ops, guest, mutual } = sharedCertificates();
    const names = ["--allow-identity", "spiffe://example.com/ops", "--allow-identity", "x,y"];
    await using server = await serving("--listen", "0.0.0.0:0", ...mutual, ...names);
    const address = server.address.replace("0.0.0.0", "127.0.0.1");
    const ca = [authority.ca];

    await using allowed = record(address, "", { tls: { ca, cert: ops.cert, key: ops.key } });
    await allowed.started;
    expect(server.log("recording-requested")).toMatchObject([
      { identities: ["spiffe://example.com/ops", "ops"] },
    ]);

    await using denied = record(address, "", { tls: { ca, cert: guest.cert, key: guest.key } });
    await expect(denied.stopped).rejects.toMatchObject({ status: "PERMISSION_DENIED" });
    expect(server.log("recording-denied")).toMatchObject([
      { level: "warn", identities: ["guest.example.com", "guest"] },
    ]);
    expect(server.sources).toHaveLength(1);

    await using stranger = record(address, "", { tls: { ca } });
    await expect(stranger.stopped).rejects.toMatchObject({ code: "rpc_failed" });
    expect(readdirSync(server.folder)).toHaveLength(1);
  });

  test("loads renewed certificates, and ignores invalid ones", async () => {
    const { authority, server: files, flags } = certificates();
    await using server = await serving(...flags);
    const renewed = certificateAuthority(mkdtempSync(join(folder, "tls-")));
    const again = renewed.sign("server", "/CN=recorder", "IP:127.0.0.1");
    const connects = async (ca: Buffer) => {
      await using recording = record(server.address, "", { tls: { ca: [ca] } });
      return await recording.started.then(
        () => true,
        () => false,
      );
    };
    expect(await connects(authority.ca)).toBe(true);

    writeFileSync(files.certFile, "broken");
    server.io.clock.advance(RENEWAL_INTERVAL_MS);
    await until(() => server.log("certificates-not-renewed").length === 1);
    await oneTurn();
    expect(await connects(authority.ca)).toBe(true);

    writeFileSync(files.certFile, again.cert);
    writeFileSync(files.keyFile, again.key);
    server.io.clock.advance(RENEWAL_INTERVAL_MS);
    await until(() => server.log("certificates-renewed").length === 1);
    expect([await connects(authority.ca), await connects(renewed.ca)]).toEqual([false, true]);
  });
});

describe("serve: options", () => {
  const NEEDED = ["-i", "eth0", "--folder", "f", "--listen", "unix:///x"];

  test("the limits are those of a recorder service", () => {
    expect(readServeOptions(NEEDED)?.limits).toEqual(DEFAULT_RECORDER_LIMITS);
    const limits = [
      ...["--max-recordings", "1", "--max-calls", "2", "--max-filters", "3", "--max-message-bytes", "4KiB"],
      ...["--max-stored-bytes", "5GB", "--start-timeout", "6s", "--read-timeout", "7m"],
    ];
    expect(readServeOptions([...NEEDED, ...limits])?.limits).toEqual({
      maxRecordings: 1,
      maxCalls: 2,
      maxFilters: 3,
      maxMessageBytes: 4096,
      maxStoredBytes: 5e9,
      startTimeoutMs: 6000,
      readTimeoutMs: 420_000,
    });
  });

  test.each([
    { args: [], err: "no device" },
    { args: ["-i", "eth0"], err: "no output directory" },
    { args: ["-i", "eth0", "-w", "f"], err: "no address to listen on" },
    {
      args: [...NEEDED, "x"],
      err: "unexpected arguments: x; set the device with -i, the directory with --folder and the address with --listen",
    },
    {
      args: [...NEEDED, "--source", "x"],
      err: 'invalid argument "x" for "--source" flag: expected one of libpcap, ebpf',
    },
    { args: [...NEEDED, "--listen", "http://x"], err: 'invalid server address "http://x"' },
    { args: [...NEEDED, "--listen", "tls://x:1"], err: "tls://x:1 needs --tls-cert-file and --tls-key-file" },
    { args: [...NEEDED, "--metrics-listen", "unix:///x"], err: "invalid --metrics-listen: unix:///x" },
    {
      args: [...NEEDED, "--metrics-listen", "9900"],
      err: "invalid --metrics-listen: 9900, expected host:port",
    },
    {
      args: [...NEEDED, "--source", "ebpf", "--promiscuous=false"],
      err: "--promiscuous requires --source libpcap",
    },
    { args: [...NEEDED, "--tls-cert-file", "x"], err: "--tls-cert-file and --tls-key-file need each other" },
    { args: [...NEEDED, "--tls-client-ca-files", "x"], err: "--tls-client-ca-files needs --tls-cert-file" },
    { args: [...NEEDED, "--allow-identity", "x"], err: "--allow-identity requires --tls-client-ca-files" },
    {
      args: [
        ...NEEDED,
        ...["--tls-cert-file", "x", "--tls-key-file", "x", "--tls-client-ca-files", "x", "--allow-anyone"],
      ],
      err: "cannot set both --allow-anyone and --tls-client-ca-files",
    },
    { args: [...NEEDED, "--listen", "localhost"], err: "invalid --listen: localhost, expected host:port" },
    { args: [...NEEDED, "--listen", "[::1]"], err: "invalid --listen: [::1], expected host:port" },
    {
      args: [...NEEDED, "--listen", "localhost:1", "--socket-mode", "0660"],
      err: "--socket-mode needs --listen unix:///path",
    },
    { args: [...NEEDED, "--socket-mode", "rw"], err: "invalid --socket-mode: rw" },
    { args: [...NEEDED, "--max-calls", "0"], err: "--max-calls must be at least 1" },
    { args: [...NEEDED, "--max-stored-bytes", "0"], err: "invalid size for --max-stored-bytes: 0" },
    { args: [...NEEDED, "--read-timeout", "0s"], err: "--read-timeout must be above 0" },
    {
      args: [...NEEDED, "--max-recording", "1"],
      err: "unknown flag: --max-recording\nDid you mean --max-recordings?",
    },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await runFake(["serve", ...args]);
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: EXIT.usage, out: "" });
    expect(outcome.err.startsWith(err)).toBe(true);
    expect(existsSync("f")).toBe(false);
  });

  test("reports a missing device before it listens", async () => {
    const path = join(folder, "never.sock");
    const args = ["-i", "no-such-device", "-w", folder, "-l", `unix://${path}`];
    const { code, out } = await runFake(["serve", ...args]);
    expect({ code, out, listens: existsSync(path) }).toEqual({ code: EXIT.failed, out: "", listens: false });
  });

  test("reports an unusable folder before it opens the device", async () => {
    const parent = join(folder, "no-folder");
    writeFileSync(parent, "");
    const { code, err } = await runFake([
      "serve",
      ...["-i", "no-such-device", "-w", join(parent, "inner"), "-l", `unix://${join(folder, "never.sock")}`],
    ]);
    expect(code).toBe(EXIT.failed);
    // Since Node 24 the error names the existing file.
    expect(err).toMatch(/^failed to create storage path directory: (ENOTDIR|EEXIST): .*no-folder/);
  });

  test("--help lists every limit", async () => {
    const help = await outputOf(["serve", "--help"]);
    for (const name of Object.keys(DEFAULT_RECORDER_LIMITS)) {
      const flag = name.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      expect(help).toContain(`--${flag} `);
    }
  });
});
