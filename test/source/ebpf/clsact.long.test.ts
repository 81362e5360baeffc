import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { open } from "../../../src/source/ebpf/open.js";
import { repository, run } from "../../support/run.js";
import { describeWithPrograms } from "../../support/shared.js";
import { mixedFrames } from "../../support/traffic/mixed.js";
import { describeLive, readRecords } from "../libpcap/live.js";
import { describeWithEbpf } from "./kernel-needed.js";

/** As a kernel before 6.6, which has no links on these hooks. */
const OLD = { context: { release: "6.1.0" } };

describeWithEbpf("openEbpf: a capture by clsact filters", () => {
  describeWithPrograms("in other programs", ["tc", "unshare"], () =>
    describeLive("between namespaces", (live) => {
      function filters(): string {
        const { name, device } = live().pair.receiver;
        return ["ingress", "egress"]
          .map((hook) => run("tc", ["-n", name, "filter", "show", "dev", device, hook]))
          .join("");
      }

      test("yields every packet, beside another capture, and removes its filters", async () => {
        const { pair, sender } = live();
        const first = await open(pair.receiver.device, {}, OLD);
        const second = await open(pair.receiver.device, { direction: "ingress" }, OLD);
        expect(filters().match(/flowscribe:/g)).toHaveLength(3);
        sender.send(mixedFrames(1000));
        first.stop();
        second.stop();
        expect([(await readRecords(first)).count, (await readRecords(second)).count]).toEqual([1000, 1000]);
        await first[Symbol.asyncDispose]();
        await second[Symbol.asyncDispose]();
        expect(filters()).not.toContain("flowscribe");
      });

      test("ends when the device is removed", async () => {
        const { receiver } = live().pair;
        receiver.ip("link", "add", "gone0", "type", "veth", "peer", "name", "gone1");
        receiver.ip("link", "set", "gone0", "up");
        const source = await open("gone0", {}, OLD);
        const next = source[Symbol.asyncIterator]().next();
        receiver.ip("link", "del", "gone0");
        await expect(next).rejects.toMatchObject({ code: "device_gone" });
        await source[Symbol.asyncDispose]();
      });

      test("removes the filters of a killed process", async () => {
        const { receiver } = live().pair;
        const program = join(repository, "test/source/ebpf/programs/capture.ts");
        const args = [
          "netns",
          "exec",
          receiver.name,
          process.execPath,
          "--import",
          "tsx",
          program,
          receiver.device,
          "1",
          "6.1.0",
        ];
        const child = spawn("ip", args, { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
        await once(child.stdout, "data");
        const closed = once(child, "close");
        child.kill("SIGKILL");
        await closed;
        expect(filters()).toContain(`flowscribe:${child.pid}`);
        const source = await open(receiver.device, {}, OLD);
        expect(filters()).not.toContain(`flowscribe:${child.pid}`);
        expect(filters()).toContain(`flowscribe:${process.pid}`);
        await source[Symbol.asyncDispose]();
        expect(filters()).not.toContain("flowscribe");
      });

      test("keeps the filters of a process in another container", async () => {
        const { receiver } = live().pair;
        const program = join(repository, "test/source/ebpf/programs/capture.ts");
        const args = [
          ...["netns", "exec", receiver.name, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
          ...[process.execPath, "--import", "tsx", program, receiver.device, "1", "6.1.0"],
        ];
        const child = spawn("ip", args, { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
        await once(child.stdout, "data");
        expect(filters().match(/flowscribe:/g)).toHaveLength(2);
        const source = await open(receiver.device, {}, OLD);
        expect(filters().match(/flowscribe:/g)).toHaveLength(4);
        await source[Symbol.asyncDispose]();
        expect(filters().match(/flowscribe:/g)).toHaveLength(2);
        const closed = once(child, "close");
        child.kill("SIGKILL");
        await closed;
      });
    }),
  );
});
