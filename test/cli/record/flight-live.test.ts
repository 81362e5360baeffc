// A flight recorder of the built program in network namespaces that the test creates.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { packetsIn } from "../../pcap/read.js";
import { describeOnNetwork } from "./live-network.js";

const WAITING = "Waiting for the trigger. Press CTRL+C to stop.\n";
const MIB = 1024 * 1024;

/** The longest memory that a process shares with a socket, in bytes. */
function socketMemory(pid: number): number {
  const lengths = readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .filter((line) => line.includes("socket:"))
    .map((line) => {
      const [begin = "", end = ""] = line.split(" ", 1)[0]?.split("-") ?? [];
      return Number.parseInt(end, 16) - Number.parseInt(begin, 16);
    });
  return Math.max(0, ...lengths);
}

describeOnNetwork("record --trigger: live", (live) => {
  test.each([
    { how: "in the kernel's buffer", flags: ["--expression", "udp"], isKept: true },
    { how: "in a copy, with flow flags beside the trigger", flags: ["--protocol", "udp"], isKept: false },
  ])("writes the packets before and after a packet, from a ring $how", async ({ flags, isKept }) => {
    const { pair, folder } = live();
    const path = join(folder, `kept-${isKept}.pcap`);
    const { child, ended } = await live().start(
      WAITING,
      ...["record", "-i", pair.receiver.device, "--ring", "32M", "--trigger", "--to-port 99", ...flags],
      ...["-w", path],
    );
    expect(socketMemory(child.pid ?? 0) > 32 * MIB).toBe(isKept);
    live().send(53, 4);
    live().send(99, 1);
    live().send(53, 3);
    child.kill("SIGINT");
    const { code, out } = await ended;
    expect(code).toBe(EXIT.ok);
    expect(out).toContain("capture 1: 8 packets");
    const payloads = (await packetsIn(readFileSync(path))).map(
      ({ originalLength }) => originalLength - 14 - 20 - 8,
    );
    expect(payloads).toEqual([1, 2, 3, 4, 1, 1, 2, 3]);
  });
});
