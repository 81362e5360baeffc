import { expect, test, vi } from "vitest";
import { createByteSink } from "../../src/recorder/byte-sink.js";
import { sinkContract } from "../contract/sink.js";

for (const resolution of ["us", "ns"] as const) {
  sinkContract(`the byte sink, ${resolution}`, { fileFormat: "pcap", resolution }, async () => {
    const { open, bytes, end, fail } = createByteSink({ queueBytes: 1e9, resolution }, () => {});
    return {
      open,
      written: async (how) => {
        const failure = new Error("aborted");
        if (how === "closed") end();
        else fail(failure);
        const chunks: Uint8Array[] = [];
        try {
          for await (const chunk of bytes) chunks.push(chunk);
        } catch (error) {
          if (error !== failure) throw error;
        }
        return Buffer.concat(chunks);
      },
      [Symbol.asyncDispose]: async () => {},
    };
  });
}

test("createByteSink: ending the iteration ends a pending read, whether or not the recording ends", async () => {
  const onLeave = vi.fn();
  const { bytes } = createByteSink({ queueBytes: 1, resolution: "us" }, onLeave);
  const reader = bytes[Symbol.asyncIterator]();
  const pending = reader.next();
  await reader.return?.();
  expect(await pending).toEqual({ done: true, value: undefined });
  expect(onLeave).toHaveBeenCalled();
});
