import { execFile, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TURN_INTERVAL_MS } from "../../src/async/event-loop-turns.js";
import { openCaptureFile } from "../../src/source/file.js";
import { turnsDuring } from "../async/turns.js";
import { pcapFile } from "../pcap/pcap-file.js";
import { fault, packetsIn, readAll } from "../pcap/read.js";
import { sample, samplePath } from "../pcap/shared-captures.js";
import { repository } from "../support/run.js";
import { describeUnless, describeWithPrograms } from "../support/shared.js";

// Many cases each, also on a slow machine.
const MEBIBYTE = 1024 ** 2;
/** Where Linux lists the open files of this process. */
const DESCRIPTORS = "/proc/self/fd";

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-file-"));
  writeFileSync(path("sample.pcap.gz"), gzipSync(sample("sample.pcap")));
  writeFileSync(path("cut.pcap"), sample("sample.pcap").subarray(0, 100_000));
  writeFileSync(path("empty"), "");
  writeFileSync(path("text"), "This is no capture.\n");
  writeFileSync(path("damaged.gz"), gzipSync(sample("sample.pcap")).subarray(0, 5));
  const data = new Uint8Array(100_000);
  const records = Array.from({ length: 320 }, (_, seconds) => ({ seconds, data }));
  writeFileSync(path("long.pcap"), pcapFile({}, records));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("openCaptureFile: a file", () => {
  test.each([
    {
      what: "pcap",
      file: () => samplePath("sample.pcap"),
      format: "pcap",
      compressed: false,
      same: "sample.pcap",
    },
    {
      what: "pcapng",
      file: () => samplePath("sample.pcapng"),
      format: "pcapng",
      compressed: false,
      same: "sample.pcapng",
    },
    {
      what: "compressed",
      file: () => path("sample.pcap.gz"),
      format: "pcap",
      compressed: true,
      same: "sample.pcap",
    },
  ] as const)("that is $what has the packets of its bytes", async ({ file, format, compressed, same }) => {
    const { packets, source, error } = await readAll(openCaptureFile(file()));
    expect(error).toBeUndefined();
    expect(source).toMatchObject({ fileFormat: format, compressed });
    expect(packets).toEqual(await packetsIn(sample(same)));
  });

  test("reads a file that is longer than the buffer", async () => {
    const source = await openCaptureFile(path("long.pcap"));
    let packets = 0;
    for await (const { length } of source) packets += length;
    await source[Symbol.asyncDispose]();
    expect(packets).toBe(320);
    expect(source.stats().received).toBe(320);
  });

  test("yields the packets of a truncated file, then throws with the offset of the end", async () => {
    const outcome = await readAll(openCaptureFile(path("cut.pcap")));
    const whole = await packetsIn(sample("sample.pcap"));
    expect(outcome.packets.length).toBeGreaterThan(300);
    expect(outcome.packets).toEqual(whole.slice(0, outcome.packets.length));
    expect(fault(outcome)).toBe(fault(await readAll(sample("sample.pcap").subarray(0, 100_000))));
  });

  test.each([
    {
      what: "is missing",
      file: "missing.pcap",
      error: { code: "open_failed", message: /^open .*missing\.pcap: no such file or directory$/ },
    },
    {
      what: "is missing, in a missing folder",
      file: "none/x.pcap",
      error: { code: "open_failed", message: /^open .*none\/x\.pcap: no such file or directory$/ },
    },
    {
      what: "is below a file",
      file: "text/x.pcap",
      error: { code: "open_failed", message: /text\/x\.pcap: not a directory$/ },
    },
    { what: "is a folder", file: ".", error: { code: "not_a_capture", message: /: is a directory/ } },
    { what: "is empty", file: "empty", error: { code: "truncated_capture", message: /empty/ } },
    { what: "is not a capture", file: "text", error: { code: "not_a_capture", message: /text: .*54686973/ } },
    {
      what: "is damaged from the start",
      file: "damaged.gz",
      error: { code: "truncated_capture", message: /gzip/ },
    },
  ])("rejects a file that $what", async ({ file, error }) => {
    await expect(openCaptureFile(path(file))).rejects.toMatchObject({
      code: error.code,
      message: expect.stringMatching(error.message),
    });
  });

  test("names the file in errors of the iteration", async () => {
    const good = readFileSync(path("long.pcap")).subarray(0, 1000);
    writeFileSync(path("damaged-later.pcap"), good);
    await using source = await openCaptureFile(path("damaged-later.pcap"));
    const reading = (async () => {
      for await (const _ of source);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "truncated_capture",
      path: path("damaged-later.pcap"),
    });
  });

  test.each([
    { name: "when it is due before each of 64 reads", stepMs: TURN_INTERVAL_MS, atLeast: 60, atMost: 100 },
    { name: "when it is due before every eighth", stepMs: TURN_INTERVAL_MS / 8, atLeast: 5, atMost: 12 },
    { name: "never while no time passes", stepMs: 0, atLeast: 0, atMost: 2 },
  ])("yields to the event loop $name", async ({ stepMs, atLeast, atMost }) => {
    await using source = await openCaptureFile(path("long.pcap"));
    // 32 MB in reads of at most 512 KiB. At both ends a turn may be counted that is not the reader's.
    const turns = await turnsDuring(async () => {
      for await (const _ of source.reusedBatches!());
    }, stepMs);
    expect(turns).toBeGreaterThanOrEqual(atLeast);
    expect(turns).toBeLessThanOrEqual(atMost);
  });

  test("cancels reading between two batches", async () => {
    const source = await openCaptureFile(path("long.pcap"));
    const controller = new AbortController();
    let packets = 0;
    await turnsDuring(async () => {
      setImmediate(() => controller.abort());
      for await (const { length } of source.reusedBatches!()) {
        packets += length;
        if (controller.signal.aborted) break;
      }
    });
    await source[Symbol.asyncDispose]();
    expect(packets).toBeGreaterThan(0);
    expect(packets).toBeLessThan(320);
  });
});

describeUnless(
  "openCaptureFile: the descriptor",
  existsSync(DESCRIPTORS) ? undefined : "no list of open files",
  () => {
    test.each(["sample.pcap.gz", "long.pcap", "cut.pcap"])(
      "is open until %s is disposed of",
      async (file) => {
        const source = await openCaptureFile(path(file));
        expect(openFiles(path(file))).toBe(1);
        for await (const _ of source) break;
        expect(openFiles(path(file))).toBe(1);
        await source[Symbol.asyncDispose]();
        expect(openFiles(path(file))).toBe(0);
        await source[Symbol.asyncDispose]();
      },
    );

    test("is closed when the source is disposed of without being read", async () => {
      {
        await using source = await openCaptureFile(path("long.pcap"));
        expect(source.interfaces).toHaveLength(1);
        expect(openFiles(path("long.pcap"))).toBe(1);
      }
      expect(openFiles(path("long.pcap"))).toBe(0);
    });

    test("is closed when the source is disposed of after its end or an error", async () => {
      for (const file of ["long.pcap", "cut.pcap", "sample.pcap.gz"])
        await readAll(openCaptureFile(path(file)));
      expect(openFiles(folder)).toBe(0);
    });

    test.each([".", "empty", "text", "damaged.gz"])("is closed when %s cannot be opened", async (file) => {
      await expect(openCaptureFile(path(file))).rejects.toThrow();
      expect(openFiles(folder)).toBe(0);
    });
  },
);

describeWithPrograms("openCaptureFile: a named pipe", ["mkfifo", "cat"], () => {
  test.each([
    { what: "a capture", file: () => samplePath("sample.pcap") },
    { what: "a compressed capture", file: () => path("sample.pcap.gz") },
  ])("with $what is read as it arrives, up to its end", async ({ file }) => {
    const { pipe, written } = fedPipe(file());
    const { packets, error } = await readAll(openCaptureFile(pipe));
    expect(error).toBeUndefined();
    expect(packets).toEqual(await packetsIn(sample("sample.pcap")));
    await written;
    expect(openFiles(pipe)).toBe(0);
  });

  test("is closed when the iteration ends early", async () => {
    const { pipe, written } = fedPipe(path("long.pcap"));
    const source = await openCaptureFile(pipe);
    for await (const _ of source) break;
    expect(openFiles(pipe)).toBe(1);
    await source[Symbol.asyncDispose]();
    // The writer is notified that the rest is not read.
    await expect(written).rejects.toThrow();
    expect(openFiles(pipe)).toBe(0);
  });

  test("without a capture is rejected and closed", async () => {
    const { pipe, written } = fedPipe(path("text"));
    await expect(openCaptureFile(pipe)).rejects.toMatchObject({ code: "not_a_capture" });
    expect(openFiles(pipe)).toBe(0);
    await written.catch(() => {});
  });

  let pipes = 0;

  /** A pipe into which another process writes a file. */
  function fedPipe(file: string): { pipe: string; written: Promise<unknown> } {
    const pipe = path(`pipe-${pipes++}`);
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    const written = promisify(execFile)("sh", ["-c", 'exec cat "$1" > "$2"', "sh", file, pipe]);
    written.catch(() => {});
    return { pipe, written };
  }
});

test("long.pcap: is longer than several turns of reading", () => {
  expect(readFileSync(path("long.pcap")).length).toBeGreaterThan(30 * MEBIBYTE);
});

/** How many files at or below a path this process has open; 0 where they are not listed. */
function openFiles(at: string): number {
  if (!existsSync(DESCRIPTORS)) return 0;
  return readdirSync(DESCRIPTORS).filter((descriptor) => {
    try {
      return readlinkSync(join(DESCRIPTORS, descriptor)).startsWith(at);
    } catch {
      // The descriptor of the listing itself is closed by now.
      return false;
    }
  }).length;
}

test("openCaptureFile: a source that is collected without being disposed of neither ends the process nor prints a warning", () => {
  const program = `
    import { openCaptureFile } from ${JSON.stringify(pathToFileURL(join(repository, "dist/source/file.js")).href)};
    for (let round = 0; round < 20; round++) await openCaptureFile("examples/captures/sample.pcap");
    for (let turn = 0; turn < 20; turn++) {
      gc();
      await new Promise(setImmediate);
    }
    console.log("ended");
  `;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--expose-gc", "--input-type=module", "--eval", program],
    { cwd: repository, encoding: "utf8" },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ended\n", stderr: "" });
});
