import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../src/cli/exit-code.js";
import { endWithReader, watchPeer } from "../../../src/cli/io/output-closed.js";
import { runCli } from "../../../src/cli/run.js";
import { loadKoffi } from "../../../src/source/native/koffi.js";
import { PATIENCE } from "../../support/patience.js";
import { repository } from "../../support/run.js";
import { describeUnless } from "../../support/shared.js";
import { fakeIo, flowLine, podsOf } from "../fake-io.js";

const SAMPLE = join(repository, "examples/captures/sample.pcap");

/** An io whose output can be closed by its reader, and whose standard input never ends. */
function watchedIo(input: string | Uint8Array) {
  const listeners = new Set<() => void>();
  async function* stdin() {
    yield Buffer.from(input);
    await new Promise(() => {});
  }
  let isWatched = false;
  const watch = (onClosed: () => void) => {
    isWatched = true;
    listeners.add(onClosed);
    return () => void listeners.delete(onClosed);
  };
  const io = fakeIo({ stdin: stdin(), stdout: { watch } });
  return {
    io,
    watching: () => listeners.size,
    everWatched: () => isWatched,
    close: () => {
      for (const listener of listeners) listener();
    },
  };
}

describe("a closed output pipe", () => {
  test.each([
    { name: "observe", args: ["observe", "-"] },
    { name: "observe --follow", args: ["observe", "--follow", "-"] },
  ])("ends $name before the next line arrives", async ({ args }) => {
    const { io, close, watching } = watchedIo(flowLine("a"));
    const code = runCli(args, io);
    await vi.waitFor(() => expect(io.out()).not.toBe(""), PATIENCE);
    expect(watching()).toBe(1);
    close();
    expect(await code).toBe(EXIT.ok);
    expect(podsOf(io.out())).toEqual(["a"]);
    expect(io.err()).toBe("");
    expect(watching()).toBe(0);
  });

  test("ends a recording to standard output, which reports what it recorded", async () => {
    const { io, close, watching } = watchedIo(readFileSync(SAMPLE));
    const code = runCli(["record", "-r", "-", "-w", "-"], io);
    await vi.waitFor(() => expect(io.bytes().length).toBeGreaterThan(10_000), PATIENCE);
    close();
    expect(await code).toBe(EXIT.ok);
    expect(io.err()).toMatch(
      /^The output was closed, stopping recording...\n.* Result: \d+ packets .*\n.* Output: -\n$/,
    );
    expect(watching()).toBe(0);
  });

  test("does not affect a recording to a file", async () => {
    const { io, everWatched } = watchedIo(readFileSync(SAMPLE));
    const code = runCli(["record", "-r", "-", "-w", "/dev/null", "--overwrite"], io);
    io.interrupt();
    await code;
    expect(everWatched()).toBe(false);
  });

  test("leaves the abort signal of the program unchanged", () => {
    const { io, close } = watchedIo("");
    using watched = endWithReader(io);
    close();
    expect([io.signal.aborted, watched.signal.aborted]).toEqual([false, true]);
  });
});

const reason = await loadKoffi().then(
  () => (process.platform === "win32" ? "Windows has no poll" : undefined),
  (error: Error) => error.message,
);

describeUnless("watchPeer", reason, () => {
  async function openPipe(): Promise<{ reader: number; writer: number }> {
    const pipe = (await loadKoffi()).load(null).func("int pipe(void*)") as (
      descriptors: Int32Array,
    ) => number;
    const descriptors = new Int32Array(2);
    expect(pipe(descriptors)).toBe(0);
    return { reader: descriptors[0]!, writer: descriptors[1]! };
  }

  test("calls back once when the last reader of a pipe closes it, and not before", async () => {
    const { reader, writer } = await openPipe();
    const calls: string[] = [];
    await new Promise<void>((resolve) => {
      watchPeer(writer, () => {
        calls.push("closed");
        resolve();
      });
      setTimeout(() => {
        calls.push("closing");
        closeSync(reader);
      }, 300);
    });
    closeSync(writer);
    expect(calls).toEqual(["closing", "closed"]);
  });

  test("does not call back for a file, nor after the watch was stopped", async () => {
    const { reader, writer } = await openPipe();
    closeSync(reader);
    const file = openSync(SAMPLE, "r");
    const calls: string[] = [];
    watchPeer(writer, () => calls.push("stopped"))();
    const stop = watchPeer(file, () => calls.push("file"));
    // A pipe that is watched later is detected first.
    await new Promise<void>((resolve) => watchPeer(writer, resolve));
    stop();
    for (const descriptor of [file, writer]) closeSync(descriptor);
    expect(calls).toEqual([]);
  });
});
