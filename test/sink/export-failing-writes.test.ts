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
  freeBytes: Number.POSITIVE_INFINITY,
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
      if (disk.freeBytes === 0) throw failure("ENOSPC");
      const count = Math.min(length, disk.freeBytes, disk.perWrite);
      disk.freeBytes -= count;
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
    freeBytes: fits,
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

describe("openExportFile: failing writes", () => {
  test("continues a partial write", async () => {
    disk.perWrite = 3;
    const sink = await openExportFile(path);
    for (let index = 0; index < 10; index++) sink.write(event(index));
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(Array.from({ length: 10 }, (_, index) => lineOf(index)).join(""));
  });

  test("keeps complete lines and exact counts, and continues when the disk has space", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(400), fc.integer({ min: 1, max: 50 }), async (freeBytes, perWrite) => {
        rmSync(path, { force: true });
        Object.assign(disk, { freeBytes, perWrite });
        const sink = await openExportFile(path);
        for (let index = 0; index < 20; index++) sink.write(event(index));
        const error = await sink.close().catch((reason: unknown) => reason);
        disk.freeBytes = Number.POSITIVE_INFINITY;
        const all = Array.from({ length: 20 }, (_, index) => lineOf(index)).join("");
        const whole = all.length <= freeBytes ? all.length : all.lastIndexOf("\n", freeBytes - 1) + 1;
        const kept = freeBytes === 0 ? "" : all.slice(0, whole);
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

  test("counts a line once that is written in the same turn and fails", async () => {
    disk.freeBytes = 10;
    const sink = await openExportFile(path);
    sink.write(
      create(GetFlowsResponseSchema, {
        responseTypes: { case: "flow", value: { uuid: "x".repeat(70_000) } },
      }),
    );
    expect(sink.stats).toMatchObject({ offered: 1, written: 0, lost: 1, bytes: 0 });
    expect(() => sink.write(event(1))).toThrow(expect.objectContaining({ code: "sink_failed" }));
    disk.freeBytes = Number.POSITIVE_INFINITY;
    sink.write(event(2));
    await sink.close();
    expect(readFileSync(path, "utf8")).toBe(lineOf(2));
    expect(sink.stats).toMatchObject({ offered: 3, written: 1, lost: 2, bytes: lineOf(2).length });
  });

  test("reports a file that cannot be truncated", async () => {
    Object.assign(disk, { freeBytes: 30, truncateFails: true });
    const sink = await openExportFile(path);
    sink.write(event(0));
    sink.write(event(1));
    const error: unknown = await sink.close().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FlowscribeError);
    expect((error as Error).message).toMatch(
      /^write .*hubble\.log \(1 line is lost, and cutting the file back to its last whole line failed as well: EIO.*\): ENOSPC/,
    );
  });

  test("loses an event if the file cannot be renamed, and rotates with the next one", async () => {
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

  test("loses an event if the new file cannot be created, and creates it with the next one", async () => {
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
