import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EXIT, type ExitCode } from "../../../src/cli/exit-code.js";
import { runCli } from "../../../src/cli/run.js";
import { POLL_MS } from "../../../src/source/followed-file.js";
import { PATIENCE } from "../../support/patience.js";
import { repository } from "../../support/run.js";
import { type FakeIo, type FakeWorld, fakeIo, flowLine, oneTurn, podsOf } from "../fake-io.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-follow-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Following {
  readonly io: FakeIo;
  readonly code: Promise<ExitCode>;
  /** The printed pods, once there are that many; advances the clock until then. */
  pods(count: number): Promise<string[]>;
  /** The same for lines of any kind, by their number. */
  lines(count: number): Promise<number>;
  /** Reads the available input, until only the clock can bring more. */
  idle(): Promise<void>;
  /** The contents of standard error, once they include the string. */
  message(text: string): Promise<string>;
}

function follow(args: readonly string[], world: FakeWorld = {}): Following {
  const io = fakeIo(world);
  const code = runCli(["observe", "--follow", ...args], io);
  async function until(done: (polls: number) => boolean): Promise<void> {
    // Do not limit the number of turns: on a busy machine many pass while threads read files.
    const deadline = Date.now() + PATIENCE.timeout;
    let polls = 0;
    while (!done(polls) && Date.now() < deadline) {
      await oneTurn();
      // Only advance the clock if something waits for it.
      if (io.clock.pending === 0) continue;
      io.clock.advance(POLL_MS);
      polls++;
    }
  }
  return {
    io,
    code,
    async idle() {
      await until((polls) => polls >= 3);
    },
    async pods(count) {
      await until(() => podsOf(io.out()).length >= count);
      return podsOf(io.out());
    },
    async lines(count) {
      await until(() => linesOf(io.out()) >= count);
      return linesOf(io.out());
    },
    async message(text) {
      await until(() => io.err().includes(text));
      return io.err();
    },
  };
}

function linesOf(text: string): number {
  return text.split("\n").length - 1;
}

async function end({ io, code }: Following): Promise<ExitCode> {
  io.interrupt();
  return code;
}

describe("observe --follow", () => {
  test("prints existing events, then added ones, until it is interrupted", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    appendFileSync(path, flowLine("b") + flowLine("c"));
    expect(await following.pods(3)).toEqual(["a", "b", "c"]);
    expect(await end(following)).toBe(EXIT.ok);
    expect(following.io.err()).toBe("");
    expect(following.io.clock.pending).toBe(0);
  });

  test("waits for the rest of a line", async () => {
    const path = join(folder, "events.log");
    const line = flowLine("b");
    writeFileSync(path, flowLine("a") + line.slice(0, 30));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    appendFileSync(path, line.slice(30));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.ok);
    expect(following.io.err()).toBe("");
  });

  test("--last counts the existing events", async () => {
    const paths = ["1", "2"].map((name) => join(folder, name));
    writeFileSync(paths[0]!, flowLine("a") + flowLine("b"));
    writeFileSync(paths[1]!, flowLine("c") + flowLine("d"));
    const following = follow(["--last", "3", ...paths]);
    expect(await following.pods(3)).toEqual(["b", "c", "d"]);
    appendFileSync(paths[0]!, flowLine("e"));
    expect(await following.pods(4)).toEqual(["b", "c", "d", "e"]);
    appendFileSync(paths[1]!, flowLine("f"));
    expect(await following.pods(5)).toEqual(["b", "c", "d", "e", "f"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("applies filters and times to added events", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a", { verdict: "DROPPED" }) + flowLine("b"));
    const since = "2026-11-22T10:00:05Z";
    const following = follow(["--verdict", "DROPPED", "--since", since, path]);
    await following.idle();
    appendFileSync(path, flowLine("c", { second: 6 }) + flowLine("d", { second: 7, verdict: "DROPPED" }));
    expect(await following.pods(1)).toEqual(["d"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("reads a replaced file to its end, then the new one from its start", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    renameSync(path, join(folder, "events-1.log"));
    appendFileSync(join(folder, "events-1.log"), flowLine("b"));
    writeFileSync(path, flowLine("c"));
    expect(await following.pods(3)).toEqual(["a", "b", "c"]);
    expect(following.io.err()).toBe(`${path}: file has been replaced; following the new one\n`);
    appendFileSync(path, flowLine("d"));
    expect(await following.pods(4)).toEqual(["a", "b", "c", "d"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("waits for a removed file", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    rmSync(path);
    following.io.clock.advance(POLL_MS);
    await oneTurn();
    writeFileSync(join(folder, "new"), flowLine("b"));
    renameSync(join(folder, "new"), path);
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("waits if the new file is removed at once", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    const { stderr } = following.io;
    const write = stderr.write.bind(stderr);
    // Called after the new file was detected, and before it is opened.
    stderr.write = (text) => {
      if (String(text).includes("replaced")) rmSync(path);
      return write(text);
    };
    writeFileSync(join(folder, "new"), flowLine("lost"));
    renameSync(join(folder, "new"), path);
    await following.message("replaced");
    await oneTurn();
    writeFileSync(path, flowLine("b"));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("waits if a folder replaces the file, and reports it once", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    await following.pods(1);
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    await following.message("waiting");
    for (let polls = 0; polls < 3; polls++) {
      following.io.clock.advance(POLL_MS);
      await oneTurn();
    }
    rmdirSync(path);
    writeFileSync(path, flowLine("b"));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.ok);
    expect(following.io.err()).toBe(
      `${path}: file has been replaced; following the new one\nread ${path}: is a directory; waiting for another file\n`,
    );
  });

  test("waits if the new file cannot be opened", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([path]);
    await following.pods(1);
    renameSync(path, `${path}.1`);
    const socket = createServer().listen(path);
    await once(socket, "listening");
    expect(await following.message("waiting")).toMatch(/: .*; waiting for another file\n$/);
    socket.close(); // Removes it.
    writeFileSync(path, flowLine("b"));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("reads a truncated file from its start", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a") + flowLine("b"));
    const following = follow([path]);
    expect(await following.pods(2)).toEqual(["a", "b"]);
    truncateSync(path);
    expect(await following.message("truncated")).toBe(`${path}: file truncated; following the new one\n`);
    appendFileSync(path, flowLine("c"));
    expect(await following.pods(3)).toEqual(["a", "b", "c"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("skips invalid lines, and the hole of a file that was truncated while being written", async () => {
    const path = join(folder, "events.log");
    const bad = Buffer.from(flowLine("x")).fill(0xff, 40, 41);
    writeFileSync(path, Buffer.concat([bad, Buffer.from(flowLine("a"))]));
    const following = follow([path]);
    expect(await following.pods(1)).toEqual(["a"]);
    // The writer continues at its old position.
    const hole = Buffer.alloc(readFileSync(path).length);
    truncateSync(path);
    await following.message("file truncated");
    writeFileSync(path, Buffer.concat([hole, Buffer.from(flowLine("b"))]));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    appendFileSync(path, flowLine("c"));
    expect(await following.pods(3)).toEqual(["a", "b", "c"]);
    following.io.interrupt();
    expect(await following.code).toBe(EXIT.ok);
    expect(following.io.err()).toContain("line 1: not valid UTF-8");
  });

  test("detects the kind of an empty file once it grows", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, "");
    const following = follow([path]);
    await following.idle();
    appendFileSync(path, flowLine("a"));
    expect(await following.pods(1)).toEqual(["a"]);
    expect(await end(following)).toBe(EXIT.ok);
  });

  test("follows a growing capture", async () => {
    const capture = readFileSync(join(repository, "examples/captures/sample.pcap"));
    const path = join(folder, "growing.pcap");
    writeFileSync(path, capture.subarray(0, 10_000));
    const following = follow([path]);
    await following.lines(1);
    expect(linesOf(following.io.out())).toBeLessThan(200);
    appendFileSync(path, capture.subarray(10_000, capture.length - 5));
    expect(await following.lines(526)).toBe(526);
    // The last packet is still incomplete.
    expect(await end(following)).toBe(EXIT.ok);
    expect(following.io.err()).toBe("");
  });

  test("reads standard input until it ends, then exits", async () => {
    const following = follow([], { stdin: flowLine("a") });
    expect(await following.code).toBe(EXIT.ok);
    expect(podsOf(following.io.out())).toEqual(["a"]);
  });

  test("fails for a missing file and follows the others", async () => {
    const path = join(folder, "events.log");
    writeFileSync(path, flowLine("a"));
    const following = follow([join(folder, "none"), path]);
    expect(await following.pods(1)).toEqual(["a"]);
    appendFileSync(path, flowLine("b"));
    expect(await following.pods(2)).toEqual(["a", "b"]);
    expect(await end(following)).toBe(EXIT.failed);
    expect(following.io.err()).toBe(`open ${join(folder, "none")}: no such file or directory\n`);
  });

  test("rejects table output with Hubble's message", async () => {
    const following = follow(["-o", "table", folder]);
    expect(await following.code).toBe(EXIT.usage);
    expect(following.io.err()).toMatch(/^table output format is not compatible with follow mode\n/);
  });
});
