import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { BrokenPipe, type OutputStream, UnreadOutput } from "../../../src/cli/io/io.js";
import { outputStream, STALL_TIMEOUT_MS } from "../../../src/cli/io/output-stream.js";
import { fakeClock } from "../../support/fake-clock.js";

function failing(code: string): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
}

async function writeAndFlush(output: OutputStream): Promise<void> {
  await output.write("text");
  await output.flush();
}

test("outputStream: waits while the stream is full, and flushes the rest at the end", async () => {
  const written: string[] = [];
  const pending: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 4,
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      written.push(chunk);
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
  expect(written.join("")).toBe("abcdef");
});

test("outputStream: reports a closed pipe as BrokenPipe", async () => {
  const output = outputStream(failing("EPIPE"));
  await expect(writeAndFlush(output)).rejects.toBeInstanceOf(BrokenPipe);
  expect(() => output.write("more")).toThrow(BrokenPipe);
});

test("outputStream: reports a closed terminal as BrokenPipe", async () => {
  const output = outputStream(Object.assign(failing("EIO"), { isTTY: true }));
  await expect(writeAndFlush(output)).rejects.toBeInstanceOf(BrokenPipe);
  await expect(writeAndFlush(outputStream(failing("EIO")))).rejects.toMatchObject({ code: "EIO" });
});

test("outputStream: passes other errors on unchanged", async () => {
  const output = outputStream(failing("ENOSPC"));
  await expect(writeAndFlush(output)).rejects.toMatchObject({ code: "ENOSPC" });
});

test("outputStream: stops waiting for a full stream on an error", async () => {
  const stream = new Writable({ highWaterMark: 1, write: () => {} });
  const output = outputStream(stream);
  const full = output.write("text");
  stream.destroy(Object.assign(new Error("EPIPE"), { code: "EPIPE" }));
  await expect(full).rejects.toBeInstanceOf(BrokenPipe);
});

describe("outputStream: with an open output that is not read", () => {
  function unread() {
    const pending: (() => void)[] = [];
    const stream = new Writable({
      highWaterMark: 1,
      decodeStrings: false,
      write: (_chunk, _encoding, done) => void pending.push(done),
    });
    const controller = new AbortController();
    const clock = fakeClock();
    return { output: outputStream(stream, { signal: controller.signal, clock }), pending, controller, clock };
  }

  async function isPending(promise: Promise<void> | undefined): Promise<boolean> {
    const turn = new Promise((resolve) => setImmediate(() => resolve("pending")));
    return (await Promise.race([promise, turn])) === "pending";
  }

  test("waits until the program is interrupted, and then for a limited time", async () => {
    const { output, controller, clock } = unread();
    const full = output.write("text");
    clock.advance(10 * STALL_TIMEOUT_MS);
    expect(await isPending(full)).toBe(true);
    controller.abort();
    clock.advance(STALL_TIMEOUT_MS - 1);
    expect(await isPending(full)).toBe(true);
    clock.advance(1);
    await expect(full).rejects.toBeInstanceOf(UnreadOutput);
    expect(() => output.write("more")).toThrow(UnreadOutput);
  });

  test("keeps waiting while the output is read, however slowly", async () => {
    const { output, pending, controller, clock } = unread();
    output.write("a")?.catch(() => {});
    output.write("b")?.catch(() => {});
    controller.abort();
    const flushed = output.flush();
    clock.advance(STALL_TIMEOUT_MS - 1);
    pending.shift()?.();
    clock.advance(1);
    expect(await isPending(flushed)).toBe(true);
    clock.advance(STALL_TIMEOUT_MS);
    await expect(flushed).rejects.toBeInstanceOf(UnreadOutput);
  });

  test("fails a flush that begins after the program was interrupted", async () => {
    const { output, controller, clock } = unread();
    output.write("text")?.catch(() => {});
    controller.abort();
    const flushed = output.flush();
    clock.advance(STALL_TIMEOUT_MS);
    await expect(flushed).rejects.toBeInstanceOf(UnreadOutput);
  });
});
