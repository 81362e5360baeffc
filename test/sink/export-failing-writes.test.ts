import type * as fs from "node:fs";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FlowscribeError } from "../../src/errors/errors.js";
import { encodeExportLine } from "../../src/observer/index.js";
import { GetFlowsResponseSchema } from "../../src/proto.js";
import { openExportFile } from "../../src/sink/export.js";

/** What the file system does to the sink: the rest is real. */
const disk = vi.hoisted(() => ({
  /** Bytes that still fit. */
  room: Number.POSITIVE_INFINITY,
  /** Bytes that one call writes at most. */
  perWrite: Number.POSITIVE_INFINITY,
  truncateFails: false,
  renameFails: false,
  openFails: false,
}));

vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  function failure(code: string): Error {
    return Object.assign(new Error(`${code}: the disk says so`), { code });
  }
  return {
    ...real,
    openSync: (path: string, flags: string, mode: number) => {
      if (disk.openFails) throw failure("EMFILE");
      return real.openSync(path, flags, mode);
    },
    writeSync: (descriptor: number, bytes: Uint8Array, offset: number, length: number) => {
      if (disk.room === 0) throw failure("ENOSPC");
      const count = Math.min(length, disk.room, disk.perWrite);
      disk.room -= count;
      return real.writeSync(descriptor, bytes, offset, count);
    },
    ftruncateSync: (descriptor: number, length: number) => {
      if (disk.truncateFails) throw failure("EIO");
      real.ftruncateSync(descriptor, length);
    },
    renameSync: (from: string, to: string) => {
      if (disk.renameFails) throw failure("EPERM");
      real.renameSync(from, to);
    },
  };
});

let root = "";
let path = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flowscribe-export-"));
  path = join(root, "hubble.log");
});
afterEach(() => {
  const fits = Number.POSITIVE_INFINITY;
  Object.assign(disk, {
    room: fits,
    perWrite: fits,
    truncateFails: false,
    renameFails: false,
    openFails: false,
  });
  rmSync(root, { recursive: true, force: true });
});

const event = (index: number) =>
  create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: { uuid: `${index}` } } });
const lineOf = (index: number) => `${encodeExportLine(event(index))}\n`;

describe("an export whose writes fail", () => {
  test("writes that take only a part are gone on with", async () => {
    disk.perWrite = 3;
    const sink = await openExportFile(path);
    for (let index = 0; index < 10; index++) sink.write(event(index));
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(Array.from({ length: 10 }, (_, index) => lineOf(index)).join(""));
  });

  test("the file keeps whole lines, the counts are exact, and writing goes on when there is room", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(400), fc.integer({ min: 1, max: 50 }), async (room, perWrite) => {
        rmSync(path, { force: true });
        Object.assign(disk, { room, perWrite });
        const sink = await openExportFile(path);
        for (let index = 0; index < 20; index++) sink.write(event(index));
        const error = await sink.close().catch((reason: unknown) => reason);
        disk.room = Number.POSITIVE_INFINITY;
        const all = Array.from({ length: 20 }, (_, index) => lineOf(index)).join("");
        const whole = all.length <= room ? all.length : all.lastIndexOf("\n", room - 1) + 1;
        const kept = room === 0 ? "" : all.slice(0, whole);
        expect(readFileSync(path, "utf8")).toBe(kept);
        const written = kept.split("\n").length - 1;
        expect(sink.stats).toMatchObject({ offered: 20, written, lost: 20 - written, bytes: kept.length });
        if (written === 20) expect(error).toBeUndefined();
        else expect(error).toMatchObject({ code: "sink_failed", cause: { code: "ENOSPC" } });

        const again = await openExportFile(path);
        again.write(event(20));
        await again.close();
        expect(readFileSync(path, "utf8")).toBe(kept + lineOf(20));
      }),
      { numRuns: 60 },
    );
  });

  test("a line that is written in the same turn, and fails, is counted once", async () => {
    disk.room = 10;
    const sink = await openExportFile(path);
    sink.write(
      create(GetFlowsResponseSchema, {
        responseTypes: { case: "flow", value: { uuid: "x".repeat(70_000) } },
      }),
    );
    expect(sink.stats).toMatchObject({ offered: 1, written: 0, lost: 1, bytes: 0 });
    expect(() => sink.write(event(1))).toThrow(expect.objectContaining({ code: "sink_failed" }));
    disk.room = Number.POSITIVE_INFINITY;
    sink.write(event(2));
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(lineOf(2));
    expect(sink.stats).toMatchObject({ offered: 3, written: 1, lost: 2, bytes: lineOf(2).length });
  });

  test("a file that cannot be cut back says so", async () => {
    Object.assign(disk, { room: 30, truncateFails: true });
    const sink = await openExportFile(path);
    sink.write(event(0));
    sink.write(event(1));
    const error: unknown = await sink.close().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FlowscribeError);
    expect((error as Error).message).toMatch(
      /^write .*hubble\.log \(1 line is lost, and cutting the file back to its last whole line failed as well: EIO.*\): ENOSPC/,
    );
  });

  test("a file that cannot be renamed loses the event, and is rotated by the next", async () => {
    const sink = await openExportFile(path, { maxFileBytes: 30 });
    sink.write(event(0));
    disk.renameFails = true;
    expect(() => sink.write(event(1))).toThrow(expect.objectContaining({ code: "sink_failed" }));
    disk.renameFails = false;
    sink.write(event(2));
    await sink.close();
    expect(readdirSync(root)).toHaveLength(2);
    expect(readFileSync(path, "utf8")).toBe(lineOf(2));
    expect(sink.stats).toMatchObject({ offered: 3, written: 2, lost: 1, rotations: 1 });
  });

  test("a file that cannot be begun anew loses the event, and is begun by the next", async () => {
    const sink = await openExportFile(path, { maxFileBytes: 30 });
    sink.write(event(0));
    disk.openFails = true;
    expect(() => sink.write(event(1))).toThrow(expect.objectContaining({ code: "sink_failed" }));
    disk.openFails = false;
    sink.write(event(2));
    await sink.close();
    expect(readdirSync(root)).toHaveLength(2);
    expect(readFileSync(path, "utf8")).toBe(lineOf(2));
    expect(sink.stats).toMatchObject({ offered: 3, written: 2, lost: 1 });
  });
});
