import { readdirSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { PATIENCE } from "../../support/patience.js";
import { describeWithPrograms } from "../../support/shared.js";
import { ipv4Frame } from "../../support/traffic/frames.js";
import { describeLive } from "../libpcap/live.js";
import { allObjects, objectsOf, remaining } from "./bpf-objects.js";
import { describeWithEbpf } from "./kernel-needed.js";

describeWithEbpf("openEbpf: a capture", () => {
  describeWithPrograms("with bpftool", ["bpftool"], () => {
    describeLive("between namespaces", (live) => {
      test("opened and closed 1,000 times: leaves no memory, descriptors, programs, maps or links behind", async () => {
        const { device } = live().pair.receiver;
        const include = mixedFilters(40);
        const open = async () => {
          const source = await openEbpf(device, { bufferBytes: 2 ** 20, include, direction: "ingress" });
          const objects = objectsOf("self");
          live().sender.send([ipv4Frame()]);
          await source[Symbol.asyncDispose]();
          return objects;
        };
        for (let warm = 0; warm < 50; warm++) await open();
        const before = { fds: readdirSync("/proc/self/fd").length, rss: process.memoryUsage.rss() };
        const seen = new Set<string>();
        for (let round = 0; round < 1000; round++) for (const object of await open()) seen.add(object);
        const after = { fds: readdirSync("/proc/self/fd").length, rss: process.memoryUsage.rss() };
        expect(seen.size).toBeGreaterThanOrEqual(5000);
        // The kernel frees maps and programs after a grace period.
        await vi.waitFor(() => expect(remaining(seen)).toEqual([]), PATIENCE);
        expect(remaining(seen)).toEqual([]);
        expect(allObjects().size).toBeLessThan(1000);
        expect(after.fds).toBe(before.fds);
        console.info(`memory after 1000 captures: ${Math.round((after.rss - before.rss) / 1024)} KiB more`);
        // One leaked buffer of a megabyte each would be a gigabyte.
        expect(after.rss - before.rss).toBeLessThan(100 * 2 ** 20);
      });
    });
  });
});

function mixedFilters(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    sourceCidr: `10.0.${index}.0/24`,
    destinationCidr: "0.0.0.0/0",
    destinationPort: 1 + index,
  }));
}
