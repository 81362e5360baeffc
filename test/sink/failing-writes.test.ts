import * as fs from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FlowscribeError } from "../../src/errors/errors.js";
import { record } from "../../src/recorder/index.js";
import { type FileSinkOptions, fileSink } from "../../src/sink/file.js";
import { batchOf, ETHERNET, MIN_PACKET_LENGTH, range, WANTED } from "../recorder/packets.js";
import { controlledSource, interfaceOf } from "../recorder/sources.js";
import { fakeClock } from "../support/fake-clock.js";
import { decodeFile, onlyFile, openFilesIn, temporaryFolder } from "./folder.js";

/** What the file system does to the sink: the rest is real. */
const disk = vi.hoisted(() => ({
  /** Bytes that still fit. */
  freeBytes: Number.POSITIVE_INFINITY,
  /** Bytes that one call writes at most. */
  perWrite: Number.POSITIVE_INFINITY,
  truncateFails: false,
  closeFails: false,
}));

vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  function failure(code: string): Error {
    return Object.assign(new Error(`${code}: the disk says so`), { code });
  }
  return {
    ...real,
    writeSync: (descriptor: number, bytes: Uint8Array, offset: number, length: number) => {
      if (disk.freeBytes === 0) throw failure("ENOSPC");
      const count = Math.min(length, disk.freeBytes, disk.perWrite);
      disk.freeBytes -= count;
      return real.writeSync(descriptor, bytes, offset, count);
    },
    ftruncateSync: (descriptor: number, length: number) => {
      if (disk.truncateFails) throw failure("EIO");
      real.ftruncateSync(descriptor, length);
    },
    closeSync: (descriptor: number) => {
      real.closeSync(descriptor);
      if (disk.closeFails) throw failure("EDQUOT");
    },
  };
});

afterEach(() => {
  Object.assign(disk, {
    freeBytes: Number.POSITIVE_INFINITY,
    perWrite: Number.POSITIVE_INFINITY,
    truncateFails: false,
    closeFails: false,
  });
});

const PCAP_HEADER_LENGTH = 24;
const RECORD_LENGTH = 16 + MIN_PACKET_LENGTH;

/** Records batches of the sizes given, and tells how that failed. */
async function recordInto(folder: string, sizes: readonly number[], options: FileSinkOptions = {}) {
  const source = controlledSource();
  const recording = record(source, WANTED, { sink: fileSink(folder, options), clock: fakeClock() });
  let next = 0;
  for (const size of sizes) {
    source.push(batchOf(range(size, next).map((id) => ({ id, length: MIN_PACKET_LENGTH + (id % 5) }))));
    next += size;
  }
  source.end();
  const [outcome] = await Promise.allSettled([recording.stopped]);
  let captured = 0;
  let matched = 0;
  for await (const { packetsCaptured, packetsLostInQueue } of recording.updates) {
    captured = packetsCaptured;
    matched = packetsCaptured + packetsLostInQueue;
  }
  return { error: outcome.status === "rejected" ? outcome.reason : undefined, captured, matched };
}

/** Bytes of the file when nothing fails. */
async function wholeLength(sizes: readonly number[], options: FileSinkOptions): Promise<number> {
  await using folder = await temporaryFolder();
  await recordInto(folder.path, sizes, options);
  return fs.statSync(await onlyFile(folder.path)).size;
}

describe.each<{ options: FileSinkOptions }>([
  { options: { fileFormat: "pcap" } },
  { options: { fileFormat: "pcap", resolution: "ns" } },
  { options: { fileFormat: "pcapng" } },
])("fileSink: a disk that is full at any byte ($options)", ({ options }) => {
  test("leaves a file with all complete records that were written", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        async (batches, part) => {
          const whole = await wholeLength(batches, options);
          await using folder = await temporaryFolder();
          const freeBytes = Math.floor(whole * part);
          disk.freeBytes = freeBytes;
          const { error, captured, matched } = await recordInto(folder.path, batches, options);
          disk.freeBytes = Number.POSITIVE_INFINITY;
          expect(error).toBeInstanceOf(FlowscribeError);
          expect(error).toMatchObject({ code: "sink_failed", cause: { code: "ENOSPC" } });
          const [name] = await readdir(folder.path);
          if (name === undefined) {
            // Not even the header fitted: the recording has not started.
            expect(captured).toBe(0);
            expect(matched).toBe(0);
            return;
          }
          const path = join(folder.path, name);
          const { size } = fs.statSync(path);
          expect(size).toBeLessThanOrEqual(freeBytes);
          expect((error as Error).message).toBe(
            `write ${path}: ENOSPC: the disk says so; the file is cut back to its last whole record, ${size} bytes`,
          );
          const { ids } = await decodeFile(path);
          expect(ids).toEqual(range(ids.length));
          // The largest record that did not fit.
          expect(freeBytes - size).toBeLessThan(150);
          expect(ids.length).toBeGreaterThanOrEqual(captured);
          expect(ids.length).toBeLessThanOrEqual(matched);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("continues a partial write", async () => {
    await using folder = await temporaryFolder();
    disk.perWrite = 7;
    const { error, captured } = await recordInto(folder.path, [3, 2], options);
    expect(error).toBeUndefined();
    expect(captured).toBe(5);
    expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual(range(5));
  });
});

test("fileSink: leaves no file, and no open descriptor, if the header does not fit", async () => {
  await using folder = await temporaryFolder();
  disk.freeBytes = PCAP_HEADER_LENGTH - 1;
  const { error } = await recordInto(folder.path, [1]);
  expect(error).toMatchObject({ code: "sink_failed", message: expect.stringContaining("ENOSPC") });
  expect(await readdir(folder.path)).toEqual([]);
  expect(openFilesIn(folder.path)).toEqual([]);
});

test("fileSink: removes all of a header that is written with the first packet and does not fit", async () => {
  await using folder = await temporaryFolder();
  const sink = await fileSink(folder.path)({
    filePrefix: "hubble",
    interfaces: [],
    snapLength: 96,
    clock: fakeClock(),
  });
  disk.freeBytes = PCAP_HEADER_LENGTH - 1;
  expect(() => sink.write(batchOf([{ id: 1 }]))).toThrow("cut back to nothing");
  await sink.abort();
  expect(await readFile(await onlyFile(folder.path))).toHaveLength(0);
});

test("fileSink: keeps all packets if the statistics do not fit", async () => {
  const options = { fileFormat: "pcapng" } as const;
  await using folder = await temporaryFolder();
  disk.freeBytes = (await wholeLength([2], options)) - 1;
  const { error, captured } = await recordInto(folder.path, [2], options);
  expect(error).toMatchObject({ code: "sink_failed" });
  expect(captured).toBe(2);
  expect((await decodeFile(await onlyFile(folder.path))).ids).toEqual([0, 1]);
});

test("fileSink: reports a file that cannot be truncated", async () => {
  await using folder = await temporaryFolder();
  disk.freeBytes = PCAP_HEADER_LENGTH + RECORD_LENGTH + 5;
  disk.truncateFails = true;
  const { error } = await recordInto(folder.path, [1, 1]);
  const path = await onlyFile(folder.path);
  expect(error.message).toBe(
    `write ${path}: ENOSPC: the disk says so; cutting the file back to its last whole record, ` +
      `${PCAP_HEADER_LENGTH + RECORD_LENGTH} bytes, failed as well: EIO: the disk says so`,
  );
});

test("fileSink: fails the recording if the file cannot be closed", async () => {
  await using folder = await temporaryFolder();
  disk.closeFails = true;
  const { error, captured } = await recordInto(folder.path, [2]);
  const path = await onlyFile(folder.path);
  expect(error).toMatchObject({
    code: "sink_failed",
    message: `close ${path}: EDQUOT: the disk says so`,
    cause: { code: "EDQUOT" },
  });
  expect(captured).toBe(2);
  expect((await decodeFile(path)).ids).toEqual([0, 1]);
});

test("fileSink: abort never throws, even if the file cannot be closed", async () => {
  await using folder = await temporaryFolder();
  const sink = await fileSink(folder.path)({
    filePrefix: "hubble",
    interfaces: [interfaceOf(ETHERNET)],
    snapLength: 96,
    clock: fakeClock(),
  });
  disk.closeFails = true;
  await expect(sink.abort()).resolves.toBeUndefined();
});
