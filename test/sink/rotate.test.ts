import { spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { chmod, readdir, readFile, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { createBatch, type PacketBatch, type PacketFormat } from "../../src/packet/index.js";
import { type PacketSink, record, type SinkRequest } from "../../src/recorder/index.js";
import {
  type FileRotation,
  type FileSinkOptions,
  fileSink,
  type NamedFileOptions,
  namedFileSink,
} from "../../src/sink/file.js";
import { rotatedName } from "../../src/sink/rotate.js";
import { packetsIn } from "../pcap/read.js";
import { batchOf, ETHERNET, numbered, range, WANTED } from "../recorder/packets.js";
import { controlledSource, interfaceOf, settle } from "../recorder/sources.js";
import { fakeClock } from "../support/fake-clock.js";
import { PATIENCE } from "../support/patience.js";
import { describeUnless, describeWithPrograms } from "../support/shared.js";
import { decodeFile, onlyFile, openFilesIn, temporaryFolder } from "./folder.js";

/** 2026-11-22T09:18:00Z */
/** The user of that name, on every system that has one. */
const NOBODY = 65_534;
const NOW_MS = Date.UTC(2026, 10, 22, 9, 18);
const STATS = { received: 17, dropped: 4 };
const PCAP_HEADER = 24;
const RECORD_BYTES = 16 + 46;

function request(own: Partial<SinkRequest> = {}): SinkRequest {
  return {
    filePrefix: "hubble",
    interfaces: [interfaceOf(ETHERNET)],
    snapLength: 262_144,
    clock: fakeClock(NOW_MS),
    ...own,
  };
}

/** Writes batches to the end; the names of the files in the folder afterwards, and the paths reported for them. */
async function write(
  folder: string,
  options: NamedFileOptions,
  batches: readonly PacketBatch[],
  own: Partial<SinkRequest> = {},
) {
  const reported: string[] = [];
  const open = namedFileSink(join(folder, "a.pcap"), { ...options, onFile: (path) => reported.push(path) });
  const sink = await open(request(own));
  for (const batch of batches) sink.write(batch);
  const { filePath } = await sink.close(STATS);
  const names = (await readdir(folder)).sort();
  return {
    names,
    reported,
    filePath,
    ids: await Promise.all(names.map(async (name) => idsIn(join(folder, name)))),
  };
}

async function idsIn(path: string): Promise<number[]> {
  return (await decodeFile(path)).ids;
}

describe("rotatedName", () => {
  test.each([
    { path: "/x/a.pcap", number: 1, name: "/x/a_00001_20261122091800.pcap" },
    { path: "/x/a.b.pcapng", number: 42, name: "/x/a.b_00042_20261122091800.pcapng" },
    { path: "/x.y/a", number: 123_456, name: "/x.y/a_123456_20261122091800" },
    { path: "/x/.hidden", number: 2, name: "/x/.hidden_00002_20261122091800" },
  ])("$path becomes $name", ({ path, number, name }) => {
    expect(rotatedName(path, number, NOW_MS)).toBe(name);
  });

  test("fileSink: start as Cilium's Recorder names files", async () => {
    await using folder = await temporaryFolder();
    const options: FileSinkOptions = { nodeName: "n", random: () => 7, rotation: { maxBytes: 100 } };
    const sink = await fileSink(folder.path, options)(request());
    sink.write(numbered(2));
    await sink.close(STATS);
    expect((await readdir(folder.path)).sort()).toEqual([
      `hubble_${NOW_MS / 1000}_7_n_00001_20261122091800.pcap`,
      `hubble_${NOW_MS / 1000}_7_n_00002_20261122091800.pcap`,
    ]);
  });

  test("contain the creation time of each file", async () => {
    await using folder = await temporaryFolder();
    const clock = fakeClock(NOW_MS);
    const open = namedFileSink(join(folder.path, "a.pcap"), { rotation: { maxBytes: 100 } });
    const sink = await open(request({ clock }));
    sink.write(numbered(1));
    clock.advance(61_000);
    sink.write(numbered(1));
    await sink.close(STATS);
    expect((await readdir(folder.path)).sort()).toEqual([
      "a_00001_20261122091800.pcap",
      "a_00002_20261122091901.pcap",
    ]);
  });
});

describe("rotation by size", () => {
  const twoRecords = PCAP_HEADER + 2 * RECORD_BYTES;

  test.each([
    { maxBytes: twoRecords, ids: [[0, 1], [2, 3], [4]] },
    { maxBytes: twoRecords + RECORD_BYTES - 1, ids: [[0, 1], [2, 3], [4]] },
    { maxBytes: twoRecords - 1, ids: [[0], [1], [2], [3], [4]] },
    { maxBytes: 1, ids: [[0], [1], [2], [3], [4]] },
    { maxBytes: 10_000, ids: [[0, 1, 2, 3, 4]] },
  ])("$maxBytes bytes", async ({ maxBytes, ids }) => {
    await using folder = await temporaryFolder();
    const outcome = await write(folder.path, { rotation: { maxBytes } }, [numbered(5)]);
    expect(outcome.ids).toEqual(ids);
    expect(outcome.filePath).toBe(join(folder.path, outcome.names.at(-1)!));
    expect(outcome.reported).toEqual(outcome.names.slice(0, -1).map((name) => join(folder.path, name)));
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test.each<{ fileFormat: "pcap" | "pcapng" }>([{ fileFormat: "pcap" }, { fileFormat: "pcapng" }])(
    "no file of $fileFormat is larger, unless it has a single packet, and none is smaller than it need be",
    async ({ fileFormat }) => {
      const packet = fc.record({ length: fc.integer({ min: 46, max: 200 }), comment: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(packet, { maxLength: 6 }), { maxLength: 6 }),
          fc.integer({ min: 200, max: 900 }),
          async (lists, maxBytes) => {
            await using folder = await temporaryFolder();
            let id = 0;
            const batches = lists.map((list) => {
              const batch = batchOf(list.map(({ length }) => ({ id: id++, length })));
              const comments = list.flatMap(({ comment }, index) =>
                comment ? [[index, ["ä".repeat(9)]] as const] : [],
              );
              return { ...batch, comments: new Map(comments) };
            });
            const { names, ids } = await write(folder.path, { fileFormat, rotation: { maxBytes } }, batches);
            expect(ids.flat()).toEqual(range(id));
            const sizes = names.map((name) => statSync(join(folder.path, name)).size);
            sizes.forEach((size, index) => {
              if (ids[index]!.length > 1) expect(size).toBeLessThanOrEqual(maxBytes);
              // The largest packet, and counts at the end.
              if (index + 1 < sizes.length) expect(size).toBeGreaterThan(maxBytes - 32 - 200 - 28 - 52);
            });
          },
        ),
        { numRuns: 25 },
      );
    },
  );

  test("each file can be read on its own, comments included; the last one has the counts", async () => {
    await using folder = await temporaryFolder();
    const batch = {
      ...numbered(4),
      comments: new Map([
        [0, ["a"]],
        [3, ["b", "c"]],
      ]),
    };
    const { names } = await write(folder.path, { fileFormat: "pcapng", rotation: { maxBytes: 350 } }, [
      batch,
    ]);
    expect(names).toHaveLength(2);
    const files = await Promise.all(names.map((name) => decodeFile(join(folder.path, name))));
    const comments = await Promise.all(
      names.map(async (name) =>
        (await packetsIn(await readFile(join(folder.path, name)))).map((one) => one.comments),
      ),
    );
    expect(comments).toEqual([
      [["a"], []],
      [[], ["b", "c"]],
    ]);
    expect(files.map(({ source }) => source.interfaces[0]?.counts)).toEqual([undefined, STATS]);
  });
});

describe("rotation by time", () => {
  const at = (...seconds: readonly number[]) =>
    batchOf(seconds.map((second) => ({ id: second }))) satisfies PacketBatch;

  test.each([
    {
      name: "the packet that comes so long after the first begins the next",
      batches: [at(0, 9, 10, 19, 20)],
      ids: [[0, 9], [10, 19], [20]],
    },
    {
      name: "a silence makes no empty files",
      batches: [at(0), at(100), at(109, 110)],
      ids: [[0], [100, 109], [110]],
    },
    { name: "an older packet stays", batches: [at(5, 1, 14, 15)], ids: [[5, 1, 14], [15]] },
  ])("$name", async ({ batches, ids }) => {
    await using folder = await temporaryFolder();
    const outcome = await write(folder.path, { rotation: { maxDurationMs: 10_000 } }, batches);
    expect(outcome.ids).toEqual(ids);
  });

  test("respects fractions of seconds in both units", async () => {
    await using folder = await temporaryFolder();
    const nanoseconds: PacketFormat = { ...ETHERNET, resolution: "ns" };
    const times = [0, 999_999_999, 1_000_000_000].map((nanoseconds) => ({
      bytes: new Uint8Array(50),
      seconds: Math.floor(nanoseconds / 1e9),
      nanoseconds: nanoseconds % 1e9,
    }));
    const sink = await namedFileSink(join(folder.path, "a"), { rotation: { maxDurationMs: 1000 } })(
      request({ interfaces: [interfaceOf(nanoseconds)] }),
    );
    sink.write(createBatch(nanoseconds, times));
    await sink.close(STATS);
    const names = (await readdir(folder.path)).sort();
    const counts = await Promise.all(
      names.map(async (name) => (await packetsIn(await readFile(join(folder.path, name)))).length),
    );
    expect(counts).toEqual([2, 1]);
  });

  test("packets without a time do not start a new file", async () => {
    await using folder = await temporaryFolder();
    const untimed = { ...at(500), untimed: true };
    const outcome = await write(folder.path, { rotation: { maxDurationMs: 10_000 } }, [
      untimed,
      at(3),
      untimed,
      at(4),
    ]);
    expect(outcome.ids).toEqual([[500, 3, 500, 4]]);
  });

  test("or by size, whichever comes first", async () => {
    await using folder = await temporaryFolder();
    const rotation = { maxDurationMs: 10_000, maxBytes: PCAP_HEADER + 2 * RECORD_BYTES };
    const outcome = await write(folder.path, { rotation }, [at(0, 1, 2, 13, 14)]);
    expect(outcome.ids).toEqual([[0, 1], [2], [13, 14]]);
  });
});

describe("rotation with a ring", () => {
  test.each([
    { ringFiles: 1, ids: [[4]] },
    { ringFiles: 2, ids: [[3], [4]] },
    { ringFiles: 5, ids: [[0], [1], [2], [3], [4]] },
    { ringFiles: 9, ids: [[0], [1], [2], [3], [4]] },
  ])("of $ringFiles keeps the latest", async ({ ringFiles, ids }) => {
    await using folder = await temporaryFolder();
    const outcome = await write(folder.path, { rotation: { maxBytes: 1, ringFiles } }, [numbered(5)]);
    expect(outcome.ids).toEqual(ids);
    expect(outcome.reported).toHaveLength(4);
  });

  test("does not touch other files, and accepts that its own complete files were removed", async () => {
    await using folder = await temporaryFolder();
    const other = join(folder.path, "a_00000_20261122091700.pcap");
    writeFileSync(other, "");
    const sink = await namedFileSink(join(folder.path, "a.pcap"), {
      rotation: { maxBytes: 1, ringFiles: 2 },
    })(request());
    sink.write(numbered(1));
    const first = sink.filePath!;
    sink.write(numbered(1, 1));
    await unlink(first);
    sink.write(numbered(2, 2));
    await sink.close(STATS);
    expect(existsSync(other)).toBe(true);
    expect(await readdir(folder.path)).toHaveLength(3);
  });
});

describe("rotation: failures", () => {
  test.each([
    { maxBytes: 0 },
    { maxBytes: Number.NaN },
    { maxDurationMs: -1 },
    { maxBytes: 1, ringFiles: 0 },
    {},
    { ringFiles: 2 },
    { maxBytes: undefined, ringFiles: 2 },
    { maxSize: 100 },
    { maxBytes: 100, ring: 2 },
  ])("%o is an invalid rotation", (own) => {
    const rotation = own as FileRotation;
    expect(() => namedFileSink("a", { rotation })).toThrow(OptionsError);
    expect(() => fileSink(".", { rotation })).toThrow(OptionsError);
  });

  test("namedFileSink: rejects a path that is not a string", () => {
    expect(() => namedFileSink(undefined as unknown as string)).toThrow(
      new TypeError("namedFileSink: path must be a string, not undefined"),
    );
  });

  test("namedFileSink: reports what is wrong with a rotation", () => {
    const begin = (rotation: unknown) => () => namedFileSink("a", { rotation: rotation as FileRotation });
    expect(begin({ maxSize: 100 })).toThrow(
      "rotation.maxSize: not an option of rotation; known are maxBytes, maxDurationMs, ringFiles",
    );
    expect(begin({ ringFiles: 2 })).toThrow("rotation: needs maxBytes or maxDurationMs");
    expect(begin(null)).toThrow(
      new OptionsError([{ path: "rotation", message: "must be an object, not null" }]),
    );
    expect(begin(100)).toThrow(
      new OptionsError([{ path: "rotation", message: "must be an object, not 100" }]),
    );
  });

  test.each([
    { own: { fileFormat: "pcapgn" }, message: 'fileFormat: must be one of pcap, pcapng, not "pcapgn"' },
    { own: { resolution: "ms" }, message: 'resolution: must be one of us, ns, not "ms"' },
    {
      own: { fileFormat: "pcapng", resolution: "ms" },
      message: 'resolution: must be one of us, ns, not "ms"',
    },
  ])("rejects $own when the sink is created", ({ own, message }) => {
    const options = own as NamedFileOptions;
    expect(() => namedFileSink("a", options)).toThrow(
      expect.objectContaining({ name: "OptionsError", message }),
    );
    expect(() => fileSink(".", options)).toThrow(expect.objectContaining({ name: "OptionsError", message }));
  });

  test("an existing next file fails the recording and is not written to", async () => {
    await using folder = await temporaryFolder();
    const there = join(folder.path, "a_00002_20261122091800.pcap");
    writeFileSync(there, "mine");
    const sink = await namedFileSink(join(folder.path, "a.pcap"), { rotation: { maxBytes: 1 } })(request());
    expect(() => sink.write(numbered(2))).toThrow(expect.objectContaining({ code: "sink_failed" }));
    await sink.abort();
    expect(String(await readFile(there))).toBe("mine");
    expect(await idsIn(join(folder.path, "a_00001_20261122091800.pcap"))).toEqual([0]);
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test("an abort closes the current file", async () => {
    await using folder = await temporaryFolder();
    const sink = await namedFileSink(join(folder.path, "a.pcap"), { rotation: { maxBytes: 1 } })(request());
    sink.write(numbered(2));
    await sink.abort();
    expect(openFilesIn(folder.path)).toEqual([]);
    expect(
      await Promise.all((await readdir(folder.path)).sort().map((name) => idsIn(join(folder.path, name)))),
    ).toEqual([[0], [1]]);
  });
});

describe("namedFileSink: the file", () => {
  async function close(sink: PacketSink): Promise<void> {
    sink.write(numbered(2));
    await sink.close(STATS);
  }

  test("is accessible to its owner only, and complete", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "a.pcap");
    const sink = await namedFileSink(path)(request());
    expect(sink.filePath).toBe(resolve(path));
    await close(sink);
    expect(await idsIn(path)).toEqual([0, 1]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test.each<{ name: string; options: NamedFileOptions; format: "pcap" | "pcapng" }>([
    { name: "a.pcap", options: {}, format: "pcap" },
    { name: "a.pcapng", options: {}, format: "pcapng" },
    { name: "a.pcapng", options: { rotation: { maxBytes: 10_000 } }, format: "pcapng" },
    { name: "a.pcapng", options: { fileFormat: "pcap" }, format: "pcap" },
    { name: "a.pcap", options: { fileFormat: "pcapng" }, format: "pcapng" },
    { name: "pcapng", options: {}, format: "pcap" },
  ])("$name with $options is $format", async ({ name, options, format }) => {
    await using folder = await temporaryFolder();
    const sink = await namedFileSink(join(folder.path, name), options)(request());
    await close(sink);
    const bytes = await readFile(await onlyFile(folder.path));
    expect(bytes.readUInt32LE(0)).toBe(format === "pcap" ? 0xa1b2c3d4 : 0x0a0d0d0a);
    expect(await idsIn(await onlyFile(folder.path))).toEqual([0, 1]);
  });

  test("if it exists, is an error or overwritten", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "a.pcap");
    writeFileSync(path, "x".repeat(10_000));
    await expect(namedFileSink(path)(request())).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(
        /^failed to create pcap file ".*a\.pcap": EEXIST: file already exists; `overwrite` replaces it$/,
      ),
    });
    await close(await namedFileSink(path, { overwrite: true })(request()));
    expect(await idsIn(path)).toEqual([0, 1]);
  });

  test.each([
    { name: "a folder", path: ".", message: /: is a directory$/ },
    { name: "a folder that is not there", path: "no/such/a.pcap", message: /ENOENT/ },
  ])("$name is an error", async ({ path, message }) => {
    await using folder = await temporaryFolder();
    await expect(namedFileSink(join(folder.path, path))(request())).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(message),
    });
  });

  test("that is not writable is an error", async () => {
    await using folder = await temporaryFolder();
    await chmod(folder.path, 0o500);
    // The superuser may write anywhere.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      await expect(namedFileSink(join(folder.path, "a"))(request())).rejects.toThrow("EACCES");
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describeWithPrograms("a pipe", ["mkfifo"], () => {
  /** A recording into a pipe that nobody reads yet, waiting for its reader. */
  async function recordIntoPipe(folder: string) {
    const path = join(folder, "pipe");
    spawnSync("mkfifo", [path]);
    const clock = fakeClock(NOW_MS);
    const source = controlledSource();
    const controller = new AbortController();
    const { signal } = controller;
    const recording = record(source, WANTED, { sink: namedFileSink(path), clock, signal });
    await vi.waitFor(() => expect(clock.pending).toBe(1), PATIENCE);
    return { path, clock, source, controller, recording };
  }

  test("waits until it has a reader", async () => {
    await using folder = await temporaryFolder();
    const { path, clock, source, recording } = await recordIntoPipe(folder.path);
    clock.advance(60_000);
    await settle();
    expect(clock.pending).toBe(1);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    clock.advance(50);
    source.push(numbered(1));
    source.end();
    await expect(recording.stopped).resolves.toMatchObject({ filePath: path });
    const read = Buffer.alloc(1000);
    expect(readSync(reader, read)).toBe(PCAP_HEADER + RECORD_BYTES);
    closeSync(reader);
    expect(clock.pending).toBe(0);
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test("is not opened after an abort: no timer remains, and a later reader finds no writer", async () => {
    await using folder = await temporaryFolder();
    const { path, clock, controller, recording } = await recordIntoPipe(folder.path);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(recording.stopped).rejects.toBe(reason);
    expect(clock.pending).toBe(0);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    clock.advance(60_000);
    await settle();
    // No writer: the end at once, where a writer that had written nothing would make the read fail with EAGAIN.
    expect(readSync(reader, Buffer.alloc(10))).toBe(0);
    closeSync(reader);
    expect(clock.pending).toBe(0);
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test("is not opened after the abort of a request without a recording", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "pipe");
    spawnSync("mkfifo", [path]);
    const clock = fakeClock(NOW_MS);
    const opening = namedFileSink(path)(request({ clock, signal: AbortSignal.abort(new Error("before")) }));
    await expect(opening).rejects.toThrow("before");
    expect(clock.pending).toBe(0);
  });
});

describeUnless("devices", existsSync("/dev/null") ? undefined : "no /dev/null", () => {
  test("is supported", async () => {
    const sink = await namedFileSink("/dev/null")(request());
    sink.write(numbered(2));
    expect(await sink.close(STATS)).toEqual({ filePath: "/dev/null" });
  });

  const noFull = existsSync("/dev/full") ? undefined : "no /dev/full";
  describeUnless("that are full", noFull, () => {
    test("fail the recording and are not removed", async () => {
      await expect(namedFileSink("/dev/full")(request())).rejects.toThrow("ENOSPC");
      expect(existsSync("/dev/full")).toBe(true);
    });
  });
});
