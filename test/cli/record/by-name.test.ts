// Recording by the names of a fake Hubble server, on the loopback device.
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { openRecorderServer } from "../../../src/rpc/index.js";
import { listDevices } from "../../../src/source/libpcap/index.js";
import { fakeObserver } from "../../../src/testing/index.js";
import { packetsIn } from "../../pcap/read.js";
import { testRecorder } from "../../rpc/servers.js";
import { describeAsRoot, describeUnless } from "../../support/shared.js";
import { record } from "./captures.js";
import { MAIN, noEbpf } from "./live-network.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-by-name-"));
afterAll(() => rmSync(folder, { recursive: true }));

const noLibpcap = await listDevices().then(
  () => undefined,
  (error: Error) => error.message,
);

async function startObserver(listen = "127.0.0.1:0") {
  const observer = fakeObserver();
  const recorder = await testRecorder();
  const server = await openRecorderServer(listen, recorder.service, { routes: observer.routes });
  return {
    address: server.address,
    /** Hubble sees an address with a pod. */
    announce: (source: string, podName: string) =>
      observer.push({
        time: new Date(),
        IP: { source, destination: "10.99.0.1" },
        source: { namespace: "shop", podName, identity: 1000 + podName.length },
        destination: { identity: 2 },
      }),
    [Symbol.asyncDispose]: async () => {
      await server.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

/** Sends datagrams of this text from an address of the loopback device, to nobody. */
async function send(from: string, port: number, text: string): Promise<void> {
  const socket = createSocket("udp4");
  socket.bind(0, from);
  await once(socket, "listening");
  await new Promise((resolve) => socket.send(text, port, "127.0.0.250", resolve));
  socket.close();
}

function start(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, "record", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  let wake = () => {};
  child.stderr.on("data", (bytes) => {
    err += bytes;
    wake();
  });
  const closed = once(child, "close");
  closed.then(() => wake());
  return {
    child,
    closed,
    says: async (text: string) => {
      while (!err.includes(text)) {
        if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${err}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

async function textsIn(path: string): Promise<string[]> {
  const packets = await packetsIn(readFileSync(path));
  return packets.map(({ data }) => Buffer.from(data, "hex").toString("utf8", 14 + 28));
}

describeAsRoot("record by name", () => {
  for (const source of ["libpcap", "ebpf"]) {
    describeUnless(`by ${source}`, source === "ebpf" ? noEbpf : noLibpcap, () => {
      test("follows the addresses of a pod, and tests the other flow flags", async () => {
        await using hubble = await startObserver();
        const path = join(folder, `${source}.pcap`);
        const running = start(
          ...["-i", "lo", "--source", source, "--server", hubble.address],
          ...["--pod", "shop/cart", "--to-port", "5300", "-w", path],
        );
        await running.says("Started recording");
        await send("127.0.0.9", 5300, "before it is known");
        hubble.announce("127.0.0.9", "cart-1");
        await running.says("Recording packets of 127.0.0.9 (shop/cart-1)\n");
        await send("127.0.0.9", 5300, "one");
        await send("127.0.0.9", 5301, "another port");
        await send("127.0.0.8", 5300, "another pod");
        hubble.announce("127.0.0.8", "cart-2");
        await running.says("Recording packets of 127.0.0.8 (shop/cart-2)\n");
        await send("127.0.0.8", 5300, "two");
        hubble.announce("127.0.0.9", "web");
        await running.says("No longer recording packets of 127.0.0.9");
        await send("127.0.0.9", 5300, "of the web");
        running.child.kill("SIGINT");
        await running.closed;
        expect(running.child.exitCode).toBe(EXIT.ok);
        expect(await textsIn(path)).toEqual(["one", "two"]);
      });
    });
  }

  describeUnless("with --before", noLibpcap, () => {
    test("also records packets from before an address is known", async () => {
      await using hubble = await startObserver();
      const path = join(folder, "before.pcap");
      const running = start(
        ...["-i", "lo", "--server", hubble.address, "--pod", "shop/cart", "--to-port", "5302"],
        ...["--before", "1m", "--ring", "1M", "-w", path],
      );
      await running.says("Started recording");
      await send("127.0.0.9", 5302, "one");
      await send("127.0.0.8", 5302, "another pod");
      hubble.announce("127.0.0.9", "cart-1");
      await running.says("Recording packets of 127.0.0.9 (shop/cart-1)\n");
      await send("127.0.0.9", 5302, "two");
      running.child.kill("SIGINT");
      await running.closed;
      expect(await textsIn(path)).toEqual(["one", "two"]);
    });
  });
});

describeAsRoot("record by name: servers", () => {
  describeUnless("on the loopback device", noLibpcap, () => {
    test("goes on with the known addresses while the connection is lost, and learns again after", async () => {
      const path = join(folder, "lost.pcap");
      const first = await startObserver();
      const running = start(
        ...["-i", "lo", "--server", first.address, "--pod", "shop/cart", "--to-port", "5303", "-w", path],
      );
      await running.says("Started recording");
      first.announce("127.0.0.9", "cart-1");
      await running.says("Recording packets of 127.0.0.9 (shop/cart-1)\n");
      await first[Symbol.asyncDispose]();
      await running.says("lost the connection; packets of the known addresses are still recorded\n");
      await send("127.0.0.9", 5303, "one");
      await using second = await startObserver(first.address);
      second.announce("127.0.0.8", "cart-2");
      await running.says("connected again\n");
      await running.says("Recording packets of 127.0.0.8 (shop/cart-2)\n");
      await send("127.0.0.8", 5303, "two");
      running.child.kill("SIGINT");
      await running.closed;
      expect(running.child.exitCode).toBe(EXIT.ok);
      expect(await textsIn(path)).toEqual(["one", "two"]);
    });

    test("fails if the server does not answer at first, or is no Observer", async () => {
      const recorder = await testRecorder();
      const server = await openRecorderServer("127.0.0.1:0", recorder.service, {});
      for (const address of ["127.0.0.1:1", server.address]) {
        const running = start(
          ...["-i", "lo", "--server", address, "--pod", "a/b", "-w", join(folder, `${address}.pcap`)],
        );
        await running.closed;
        expect(running.child.exitCode).toBe(EXIT.failed);
      }
      await server.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    });
  });
});

describe("record by name: usage", () => {
  test.each([
    { args: ["-i", "lo", "--server", "localhost:1", "--pod", "a/b", "--before", "-1s"], text: "--before" },
    { args: ["-i", "lo", "--pod", "a/b", "--before", "1s"], text: "--before requires --trigger" },
    {
      args: ["-r", "examples/captures/sample.pcap", "--server", "localhost:1", "--pod", "a/b"],
      text: "--server",
    },
  ])("rejects $args", async ({ args, text }) => {
    const { code, err } = await record(...args);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(text);
  });
});
