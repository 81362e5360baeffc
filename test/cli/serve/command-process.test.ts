// The built program, capturing in network namespaces that the test creates.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { openTransport, recordRemote } from "../../../src/rpc/index.js";
import { packetsIn } from "../../pcap/read.js";
import { isLong } from "../../support/amount.js";
import { PATIENCE } from "../../support/patience.js";
import { describeUnless } from "../../support/shared.js";
import { describeOnNetwork, MAIN, noEbpf, type Running } from "../record/live-network.js";

const TO_PORT_53 = {
  include: [
    { sourceCidr: "10.77.0.1/32", destinationCidr: "10.77.0.0/24", destinationPort: 53, protocol: 17 },
  ],
};

interface Serving extends Running {
  readonly address: string;
}

describeOnNetwork("serve: as a process", (live) => {
  /** Serves in the receiving namespace, and waits until it listens. */
  async function start(name: string, ...args: readonly string[]): Promise<Serving> {
    const { folder, pair } = live();
    const address = `unix://${join(folder, `${name}.sock`)}`;
    const where = ["-i", pair.receiver.device, "--folder", join(folder, name), "--listen", address];
    return { address, ...(await live().start('"event":"listening"', "serve", ...where, ...args)) };
  }

  async function lengthsIn(path: string): Promise<number[]> {
    return (await packetsIn(readFileSync(path))).map(({ originalLength }) => originalLength);
  }

  /** Starts tcpdump in the receiving namespace, and waits until it listens. */
  async function startTcpdump(path: string): Promise<{ finish(count: number): Promise<readonly string[]> }> {
    const { name, device } = live().pair.receiver;
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
        await vi.waitFor(async () => expect(await contentsOf(path)).toHaveLength(count), PATIENCE);
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
      test("records for its client, and exits with 0 on SIGTERM", async () => {
        const { child, address, ended } = await start(source, "--source", source);
        await using transport = openTransport(address);
        const first = recordRemote(transport, TO_PORT_53);
        await first.started;
        live().send(54, 3);
        live().send(53, 5);
        first.stop();
        expect(await lengthsIn((await first.stopped).filePath)).toEqual(EXPECTED);

        const second = recordRemote(transport, TO_PORT_53);
        await second.started;
        live().send(53, 5);
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

      if (!isLong) return;
      test("records the same packets as tcpdump", async () => {
        const { child, address, ended } = await start(`${source}-beside`, "--source", source);
        await using transport = openTransport(address);
        const tcpdump = await startTcpdump(join(live().folder, `${source}.pcap`));
        const recording = recordRemote(transport, TO_PORT_53);
        await recording.started;
        for (let round = 0; round < 4; round++) {
          live().send(54, 2);
          live().send(53, 250);
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

  test("terminates immediately on the second signal", async () => {
    const { child, address, ended } = await start("twice", "--shutdown-timeout", "1h");
    // Shutdown waits for an idle connection.
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

  test("reports a missing device at start", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        MAIN,
        "serve",
        "-i",
        "no-such",
        "--folder",
        live().folder,
        "--listen",
        `unix://${join(live().folder, "no.sock")}`,
      ],
      { encoding: "utf8" },
    );
    expect({ status, names: stderr.includes("no-such") }).toEqual({ status: EXIT.failed, names: true });
  });
});
