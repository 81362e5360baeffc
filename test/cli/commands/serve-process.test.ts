// The built program, capturing on a network of the test's own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { openTransport, recordRemote } from "../../../src/rpc/index.js";
import { isBefore } from "../../../src/source/ebpf/open-error.js";
import { listDevices } from "../../../src/source/libpcap/index.js";
import { packetsIn } from "../../pcap/read.js";
import { createNetworkPair, type NetworkPair, whyNoNamespaces } from "../../support/netns.js";
import { repository } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

const MAIN = join(repository, "dist/cli/main.js");
const TO_PORT_53 = {
  include: [
    { sourceCidr: "10.77.0.1/32", destinationCidr: "10.77.0.0/24", destinationPort: 53, protocol: 17 },
  ],
};

const reason =
  whyNoNamespaces() ??
  (await listDevices().then(
    () => undefined,
    (error: Error) => error.message,
  ));
const noEbpf = isBefore(release(), [6, 6]) ? `Linux ${release()} has no TCX` : undefined;

describeUnless("a process that serves", reason, () => {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-serve-process-"));
  let network: NetworkPair;
  beforeAll(() => {
    network = createNetworkPair();
  });
  afterAll(() => {
    network.remove();
    rmSync(folder, { recursive: true });
  });

  interface Running {
    readonly child: ChildProcess;
    readonly address: string;
    readonly ended: Promise<{ code: number | null; out: string; err: string }>;
  }

  /** Serves where the packets arrive, and waits until it listens. */
  async function start(name: string, ...args: readonly string[]): Promise<Running> {
    const { name: namespace, device } = network.receiver;
    const address = `unix://${join(folder, `${name}.sock`)}`;
    const command = [
      ...["netns", "exec", namespace, process.execPath, MAIN, "serve", "-i", device],
      ...["--folder", join(folder, name), "--listen", address, ...args],
    ];
    const child = spawn("ip", command, { stdio: "pipe" });
    let out = "";
    let err = "";
    child.stdout.on("data", (bytes) => {
      out += String(bytes);
    });
    const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      child.once("close", (code) => resolve({ code, out, err }));
    });
    await new Promise<void>((resolve, reject) => {
      child.stderr.on("data", (bytes) => {
        err += String(bytes);
        if (err.includes('"event":"listening"')) resolve();
      });
      void ended.then(() => reject(new Error(`ended before it began: ${err}`)));
    });
    return { child, address, ended };
  }

  /** UDP datagrams of as many bytes as their number. */
  function send(port: number, count: number): void {
    const script = `for (( i = 1; i <= ${count}; i++ )); do printf "%\${i}s" > /dev/udp/10.77.0.2/${port}; done`;
    const { status, stderr } = spawnSync("ip", ["netns", "exec", network.sender.name, "bash", "-c", script]);
    if (status !== 0) throw new Error(String(stderr));
  }

  async function lengthsIn(path: string): Promise<number[]> {
    return (await packetsIn(readFileSync(path))).map(({ originalLength }) => originalLength);
  }

  /** tcpdump where the packets arrive, from the moment it listens. */
  async function startTcpdump(path: string): Promise<{ finish(count: number): Promise<readonly string[]> }> {
    const { name, device } = network.receiver;
    const options = ["-i", device, "-n", "-U", "-B", "65536", "-Z", "root"];
    const tcpdump = ["tcpdump", ...options, "-w", path, "udp dst port 53"];
    const child = spawn("ip", ["netns", "exec", name, ...tcpdump], { stdio: ["ignore", "ignore", "pipe"] });
    const closed = new Promise((resolve) => child.once("close", resolve));
    await new Promise<void>((resolve, reject) => {
      let printed = "";
      child.stderr.on("data", (bytes) => {
        printed += String(bytes);
        if (printed.includes("listening on")) resolve();
      });
      void closed.then(() => reject(new Error(printed)));
    });
    return {
      finish: async (count) => {
        await vi.waitFor(async () => expect(await contentsOf(path)).toHaveLength(count), { timeout: 10_000 });
        child.kill("SIGINT");
        await closed;
        return contentsOf(path);
      },
    };
  }

  async function contentsOf(path: string): Promise<readonly string[]> {
    return (await packetsIn(readFileSync(path))).map(({ data }) => data);
  }

  const EXPECTED = Array.from({ length: 5 }, (_, index) => 14 + 20 + 8 + index + 1);

  for (const source of ["libpcap", "ebpf"]) {
    describeUnless(`by ${source}`, source === "ebpf" ? noEbpf : undefined, () => {
      test("records what its client asks for, and ends well with SIGTERM", async () => {
        const { child, address, ended } = await start(source, "--source", source);
        await using transport = openTransport(address);
        const first = recordRemote(transport, TO_PORT_53);
        await first.started;
        send(54, 3);
        send(53, 5);
        first.stop();
        expect(await lengthsIn((await first.stopped).filePath)).toEqual(EXPECTED);

        const second = recordRemote(transport, TO_PORT_53);
        await second.started;
        send(53, 5);
        child.kill("SIGTERM");
        const { filePath, stats } = await second.stopped;
        expect(await lengthsIn(filePath)).toEqual(EXPECTED);
        expect(Number(stats.packetsLost)).toBe(0);
        const { code, out, err } = await ended;
        expect({ code, out }).toEqual({ code: EXIT.ok, out: "" });
        const events = err
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).event);
        const recording = ["recording-requested", "recording-started", "recording-stopped"];
        expect(events).toEqual([
          "listening",
          ...recording,
          ...recording.slice(0, 2),
          "shutting-down",
          "recording-stopped",
          "stopped",
        ]);
        expect(existsSync(address.slice("unix://".length))).toBe(false);
      });

      test("records the very packets that tcpdump sees", async () => {
        const { child, address, ended } = await start(`${source}-beside`, "--source", source);
        await using transport = openTransport(address);
        const tcpdump = await startTcpdump(join(folder, `${source}.pcap`));
        const recording = recordRemote(transport, TO_PORT_53);
        await recording.started;
        for (let round = 0; round < 4; round++) {
          send(54, 2);
          send(53, 250);
        }
        recording.stop();
        const { filePath } = await recording.stopped;
        const seen = await tcpdump.finish(1000);
        expect(await contentsOf(filePath)).toEqual(seen);
        child.kill("SIGTERM");
        expect((await ended).code).toBe(EXIT.ok);
      });
    });
  }

  test("ends on the spot with the second signal", async () => {
    const { child, address, ended } = await start("twice", "--shutdown-timeout", "1h");
    // A connection that says nothing is waited for.
    const silent = connect(address.slice("unix://".length));
    await new Promise((resolve) => silent.once("connect", resolve));
    const shuttingDown = new Promise<void>((resolve) => {
      child.stderr?.on("data", (bytes) => {
        if (String(bytes).includes('"event":"shutting-down"')) resolve();
      });
    });
    child.kill("SIGTERM");
    await shuttingDown;
    child.kill("SIGTERM");
    expect((await ended).code).toBe(EXIT.terminated);
    silent.destroy();
  });

  test("says at the start that a device is not there", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [MAIN, "serve", "-i", "no-such", "--folder", folder, "--listen", `unix://${join(folder, "no.sock")}`],
      { encoding: "utf8" },
    );
    expect({ status, names: stderr.includes("no-such") }).toEqual({ status: EXIT.failed, names: true });
  });
});
