import { expect, test, vi } from "vitest";
import { ENDINGS, startProgram } from "../start-program.js";
import { describeLive } from "./live.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

describeLive("a process with a libpcap capture", (live) => {
  test.each([...ENDINGS, { way: "aborted while opening", device: "veth" }])(
    "ends without an error: $way",
    async ({ way, device }) => {
      const { receiver } = live().pair;
      const name = device === "lo" ? "lo" : receiver.device;
      const { ended } = startProgram(receiver, "source/libpcap/programs/ending.ts", "libpcap", name, way);
      expect(await ended).toEqual({ code: 0, signal: null, printed: "ended well\n" });
    },
  );

  test("reads 10,000,000 packets in the same memory", async () => {
    const { receiver, sender } = live().pair;
    const counting = startProgram(receiver, "source/libpcap/programs/count.ts", receiver.device);
    await counting.printed();
    const generator = startProgram(
      sender,
      "support/traffic/generate.ts",
      sender.device,
      "64",
      "10000000",
      "400000",
    );
    const { sent } = JSON.parse((await generator.ended).printed);
    counting.child.kill("SIGINT");
    const { code, printed } = await counting.ended;
    expect(code).toBe(0);
    const { received, dropped, memory } = JSON.parse(printed.slice(printed.indexOf("{")));
    expect(sent).toBe(10_000_000);
    // A busy machine may drop some: what counts is that none is missing, and that most came.
    expect(received + dropped).toBe(sent);
    expect(received).toBeGreaterThan(9_000_000);
    // From the second million on, when everything is compiled.
    const settled = memory.slice(8);
    expect(Math.max(...settled) - settled[0]).toBeLessThan(16 * 1024 * 1024);
    console.log(
      `memory: ${memory.map((bytes: number) => Math.round(bytes / 1024 ** 2)).join(" ")} MiB, dropped ${dropped}`,
    );
  }, 180_000);
});
