// `flowscribe record --server` against a recorder on loopback.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import type { RecorderServiceOptions } from "../../../src/recorder/index.js";
import { openRecorderServer } from "../../../src/rpc/index.js";
import { numbered } from "../../recorder/packets.js";
import { testRecorder } from "../../rpc/servers.js";
import { decodeFile } from "../../sink/folder.js";
import { fakeIo, oneTurn, outputOf, runFake } from "../fake-io.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-server-record-"));
afterAll(() => rmSync(folder, { recursive: true }));

const DNS = "10.0.0.0/8 0 0.0.0.0/0 53 UDP";

async function node(options: Partial<RecorderServiceOptions> = {}) {
  const recorder = await testRecorder(options);
  const server = await openRecorderServer("127.0.0.1:0", recorder.service);
  return {
    ...recorder,
    address: server.address,
    [Symbol.asyncDispose]: async () => {
      await server.close({ graceMs: 0 });
      await recorder[Symbol.asyncDispose]();
    },
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await oneTurn();
}

describe("record --server", () => {
  test("has the node record until Ctrl-C, and prints the output of hubble record", async () => {
    await using recorder = await node();
    const io = fakeIo();
    const ended = runCli(["record", "--server", recorder.address, "--file-prefix", "dns", DNS], io);
    await until(() => io.err() === "Started recording. Press CTRL+C to stop.\n");
    recorder.sources[0]?.push(numbered(3, 1));
    await until(() => recorder.sources[0]?.unread === 0);
    io.interrupt();
    expect(await ended).toBe(EXIT.ok);
    expect(io.err()).toBe("Started recording. Press CTRL+C to stop.\nStopping recording...\n");
    const [, path = ""] =
      /^\S+Z Result: 3 packets \(\d+ bytes\) written\n\S+Z Output: (.+)\n$/.exec(io.out()) ?? [];
    expect(path.startsWith(join(recorder.folder, "dns_"))).toBe(true);
    expect((await decodeFile(path)).ids).toEqual([1, 2, 3]);
  });

  test("ends at its limit", async () => {
    await using recorder = await node();
    const args = ["record", "-s", "--packet-limit", "2", DNS];
    const io = fakeIo({ env: { HUBBLE_SERVER: recorder.address } });
    const ended = runCli(args, io);
    await until(() => recorder.sources.length === 1);
    recorder.sources[0]?.push(numbered(5));
    expect(await ended).toBe(EXIT.ok);
    expect({ counts: /Result: 2 packets/.test(io.out()), err: io.err() }).toEqual({ counts: true, err: "" });
  });

  test("reports errors of the server", async () => {
    await using recorder = await node({ authorize: () => false });
    const { address } = recorder;
    expect(await runFake(["record", "--server", address, DNS])).toEqual({
      code: EXIT.failed,
      out: "",
      err: `${address}: rpc error: code = PermissionDenied desc = not allowed to record\n`,
    });
    const { err } = await runFake(["record", "--server", address, "x 0 y 0 TCP"]);
    expect(err).toContain("rpc error: code = PermissionDenied");
  });

  test("reports an unreachable server", async () => {
    const address = `unix://${join(folder, "none.sock")}`;
    const { code, err } = await runFake(["record", "--server", address, DNS]);
    expect(code).toBe(EXIT.failed);
    expect(err.startsWith(`${address}: rpc error: code = Unavailable desc = `)).toBe(true);
  });
});

describe("record --server: usage errors", () => {
  test.each([
    { args: ["--server", "a:1"], err: "need to specify at least one filter" },
    { args: ["--server", "a:1", "10.0.0.0/8 UDP"], err: 'invalid 5-tuple filter: ["10.0.0.0/8" "UDP"]' },
    {
      args: ["--server", "a:1", "tcp", "port", "80"],
      err: "a server records by 5-tuple filters only, not by pcap-filter text",
    },
    { args: ["--server", "a:1", "-i", "eth0", DNS], err: "cannot set both --server and --device" },
    { args: ["--server", "a:1", "-w", "x.pcap", DNS], err: "cannot set both --server and --write" },
    { args: ["--server", "a:1", "--pod", "shop/", DNS], err: "a server records by filters only" },
    { args: ["--server", "a:1", "--since", "1h", DNS], err: "a server records by filters only" },
    { args: ["--server", "a:1", "--last", "1", DNS], err: "a server records by filters only" },
    { args: ["--tls", "-i", "eth0"], err: "--tls needs --server" },
    { args: ["--server", "http://a", DNS], err: 'invalid server address "http://a": unknown scheme' },
    { args: ["--server", "a:1", "--max-capture-len", "5000000000", DNS], err: "" },
  ])("rejects $args", async ({ args, err }) => {
    const outcome = await runFake(["record", ...args]);
    expect({ code: outcome.code, out: outcome.out }).toEqual({ code: EXIT.usage, out: "" });
    expect(outcome.err.startsWith(err)).toBe(true);
  });

  test("a device takes precedence over HUBBLE_SERVER", async () => {
    const env = { HUBBLE_SERVER: "a:1" };
    expect(await outputOf(["record", "--help"], { env })).toContain("--server ADDRESS");
    const { err } = await runFake(["record", "-i", "no-such-device", "-w", folder], { env });
    expect(err).not.toContain("a:1");
  });
});
