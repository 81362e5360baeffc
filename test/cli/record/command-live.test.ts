// The built program in network namespaces that the test creates.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { packetsIn, readWhole } from "../../pcap/read.js";
import { run } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";
import { describeOnNetwork, MAIN, noEbpf, type Running } from "./live-network.js";

const STARTED = "Started recording. Press CTRL+C to stop.\n";
const TO_PORT_53 = "10.77.0.1/32 0 10.77.0.0/24 53 UDP";

describeOnNetwork("record: a live recording", (live) => {
  /** Starts a recording in the receiving namespace, and waits until it has begun. */
  function start(...args: readonly string[]): Promise<Running> {
    return live().start(STARTED, "record", "-i", live().pair.receiver.device, ...args);
  }

  /** Sends datagrams to an echo port; resolves when all replies have arrived. */
  async function askEcho(port: number, count: number): Promise<void> {
    const { sender, receiver } = live().pair;
    const echo = `const socket = require("node:dgram").createSocket("udp4");
      socket.on("message", (bytes, { port, address }) => socket.send(bytes, port, address));
      socket.bind(${port}, () => console.log("bound"));`;
    const ask = `const socket = require("node:dgram").createSocket("udp4");
      let left = ${count};
      socket.on("message", () => --left > 0 || socket.close());
      for (let index = 0; index < ${count}; index++) socket.send("question", ${port}, "${receiver.ipv4}");`;
    const within = (name: string, script: string) => ["netns", "exec", name, process.execPath, "-e", script];
    const server = spawn("ip", within(receiver.name, echo), { stdio: ["ignore", "pipe", "inherit"] });
    await once(server.stdout, "data");
    run("ip", within(sender.name, ask));
    server.kill();
  }

  for (const source of ["libpcap", "ebpf"]) {
    describeUnless(`by ${source}`, source === "ebpf" ? noEbpf : undefined, () => {
      test("records the matching packets until Ctrl-C", async () => {
        const path = join(live().folder, `${source}.pcap`);
        const { child, ended } = await start("--source", source, "-w", path, TO_PORT_53);
        live().send(54, 5);
        live().send(53, 10);
        child.kill("SIGINT");
        const { code, out, err } = await ended;
        expect({ code, err }).toEqual({ code: EXIT.ok, err: `${STARTED}Stopping recording...\n` });
        const packets = await packetsIn(readFileSync(path));
        expect(packets.map(({ originalLength }) => originalLength)).toEqual(
          Array.from({ length: 10 }, (_, index) => 14 + 20 + 8 + index + 1),
        );
        const bytes = packets.reduce((sum, { originalLength }) => sum + originalLength, 0);
        expect(out).toMatch(
          new RegExp(`^.*Z Result: 10 packets \\(${bytes} bytes\\) written\\n.*Z Output: ${path}\\n$`),
        );
      });

      test("detects replies from all packets, whatever the other filters select", async () => {
        const path = join(live().folder, `${source}-replies.pcap`);
        const reply = ["--guess-replies", "--allowlist", '{"reply":[true]}'];
        const text = ["--expression", "udp src port 5300"];
        const { child, ended } = await start("--source", source, "-w", path, ...reply, ...text);
        await askEcho(5300, 10);
        child.kill("SIGINT");
        expect((await ended).code).toBe(EXIT.ok);
        expect(await packetsIn(readFileSync(path))).toHaveLength(10);
      });

      test("ends at its limit and writes the interface name to pcapng", async () => {
        const path = join(live().folder, `${source}.pcapng`);
        const { ended } = await start(
          "--source",
          source,
          "-w",
          path,
          "--packet-limit",
          "3",
          "--max-capture-len",
          "42",
          TO_PORT_53,
        );
        live().send(53, 5);
        expect((await ended).code).toBe(EXIT.ok);
        const { packets, source: written } = await readWhole(readFileSync(path));
        expect(packets.map(({ data }) => data.length / 2)).toEqual([42, 42, 42]);
        expect(written.interfaces.map(({ name, resolution }) => ({ name, resolution }))).toEqual([
          { name: live().pair.receiver.device, resolution: "ns" },
        ]);
      });

      test("combines --expression with flow flags", async () => {
        const path = join(live().folder, `${source}-text.pcap`);
        const { child, ended } = await start(
          "--source",
          source,
          "-w",
          path,
          "--expression",
          "udp dst port 53 and greater 50",
          "--not",
          "--port",
          "54",
          "--protocol",
          "udp",
        );
        live().send(53, 10);
        live().send(54, 10);
        child.kill("SIGTERM");
        expect((await ended).code).toBe(EXIT.ok);
        const lengths = (await packetsIn(readFileSync(path))).map(({ originalLength }) => originalLength);
        expect(lengths).toEqual([50, 51, 52]);
      });
    });
  }

  test("rotates files during the recording", async () => {
    const { child, ended } = await start(
      "-w",
      join(live().folder, "r.pcap"),
      "--rotate-size",
      "200B",
      "--ring",
      "3",
      TO_PORT_53,
    );
    live().send(53, 10);
    child.kill("SIGINT");
    expect((await ended).code).toBe(EXIT.ok);
    const files = readdirSync(live().folder).filter((name) => name.startsWith("r_"));
    expect(files).toHaveLength(3);
    const counts = await Promise.all(
      files.sort().map(async (name) => (await packetsIn(readFileSync(join(live().folder, name)))).length),
    );
    expect(counts).toEqual([2, 2, 2]);
  });

  describe("fails", () => {
    function fails(...args: readonly string[]) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "record", ...args], {
        cwd: live().folder,
        encoding: "utf8",
      });
      return { code: status, out: stdout, err: stderr };
    }

    test.each(["libpcap", "ebpf"])("for a missing device, with its name: %s", (source) => {
      const { code, out, err } = fails("-i", "no-such", "--source", source, "0.0.0.0/0 0 0.0.0.0/0 0 ANY");
      expect({ code, out }).toEqual({ code: EXIT.failed, out: "" });
      expect(err).toContain("no-such");
    });

    test("for an invalid filter expression", () => {
      expect(fails("-i", "lo", "--expression", "tcp prot 1")).toEqual({
        code: EXIT.usage,
        out: "",
        err: expect.stringContaining('"tcp prot 1" is not a filter'),
      });
    });

    test("for an invalid buffer size", () => {
      expect(fails("-i", "lo", "--buffer-size", "1kB")).toMatchObject({
        code: EXIT.usage,
        err: expect.stringMatching(/^--buffer-size in bytes: must be an integer from /),
      });
    });
  });

  test("--list-devices lists the loopback device", () => {
    const { stdout } = spawnSync(process.execPath, [MAIN, "record", "--list-devices"], { encoding: "utf8" });
    expect(stdout).toMatch(/^NAME +STATE +ADDRESSES +DESCRIPTION\n/);
    expect(stdout).toMatch(/^lo +\S*loopback\S* /m);
  });
});
