import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { BrokenPipe, type OutputStream } from "../../src/cli/io.js";
import { outputStream } from "../../src/cli/output-stream.js";

function failing(code: string): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
}

async function writeAndFlush(output: OutputStream): Promise<void> {
  await output.write("text");
  await output.flush();
}

test("waits while the stream is full, and for the rest at the end", async () => {
  const taken: string[] = [];
  const pending: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 4,
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      taken.push(chunk);
      pending.push(done);
    },
  });
  const output = outputStream(stream);
  expect(output.write("ab")).toBeUndefined();
  const full = output.write("cdef");
  expect(full).toBeInstanceOf(Promise);
  pending.shift()?.();
  await new Promise((resolve) => setImmediate(resolve));
  pending.shift()?.();
  await full;
  const flushed = output.flush();
  await new Promise((resolve) => setImmediate(resolve));
  pending.shift()?.();
  await flushed;
  expect(taken.join("")).toBe("abcdef");
});

test("a reader that has gone is a broken pipe", async () => {
  const output = outputStream(failing("EPIPE"));
  await expect(writeAndFlush(output)).rejects.toBeInstanceOf(BrokenPipe);
  expect(() => output.write("more")).toThrow(BrokenPipe);
});

test("outputStream: a terminal that was closed is a broken pipe", async () => {
  const output = outputStream(Object.assign(failing("EIO"), { isTTY: true }));
  await expect(writeAndFlush(output)).rejects.toBeInstanceOf(BrokenPipe);
  await expect(writeAndFlush(outputStream(failing("EIO")))).rejects.toMatchObject({ code: "EIO" });
});

test("other errors are passed on as they are", async () => {
  const output = outputStream(failing("ENOSPC"));
  await expect(writeAndFlush(output)).rejects.toMatchObject({ code: "ENOSPC" });
});

test("an error ends the wait for a full stream", async () => {
  const stream = new Writable({ highWaterMark: 1, write: () => {} });
  const output = outputStream(stream);
  const full = output.write("text");
  stream.destroy(Object.assign(new Error("EPIPE"), { code: "EPIPE" }));
  await expect(full).rejects.toBeInstanceOf(BrokenPipe);
});
