import { expect, test } from "vitest";
import { describeLive } from "../libpcap/live.js";
import { ENDINGS, startProgram } from "../start-program.js";
import { describeWithEbpf } from "./kernel-needed.js";

describeWithEbpf("openEbpf: a process with a capture", () => {
  describeLive("in its own namespace", (live) => {
    test.each(ENDINGS)("ends without an error: $way", async ({ way, device }) => {
      const { receiver } = live().pair;
      const name = device === "lo" ? "lo" : receiver.device;
      const { ended } = startProgram(receiver, "source/libpcap/programs/ending.ts", "ebpf", name, way);
      expect(await ended).toEqual({ code: 0, signal: null, printed: "ended well\n" });
    });
  });
});
