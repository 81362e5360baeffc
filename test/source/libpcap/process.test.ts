import { expect, test } from "vitest";
import { everyNth, nth } from "../../support/amount.js";
import { ENDINGS, startProgram } from "../start-program.js";
import { describeLive } from "./live.js";

describeLive("openLibpcap: a process with a capture", (live) => {
  test.each(everyNth(6, [...ENDINGS, { way: "aborted while opening", device: "veth" }]))(
    `ends without an error: $way${nth(6)}`,
    async ({ way, device }) => {
      const { receiver } = live().pair;
      const name = device === "lo" ? "lo" : receiver.device;
      const { ended } = startProgram(receiver, "source/libpcap/programs/ending.ts", "libpcap", name, way);
      expect(await ended).toEqual({ code: 0, signal: null, printed: "ended well\n" });
    },
  );
});
