import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JsonValue } from "../../src/observer/index.js";
import { openCheckpointFile } from "../../src/sink/checkpoint.js";
import { describeAsRoot, describeUnless } from "../support/shared.js";
import { tinyDisk, whyNoDisk } from "../support/tiny-disk.js";

/** Which calls fail, as at a crash or on a bad disk; the rest is real. */
const disk = vi.hoisted(() => ({ failsAt: Number.POSITIVE_INFINITY, calls: [] as string[] }));

vi.mock("node:fs/promises", async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  function step(name: string): void {
    disk.calls.push(name);
    if (disk.calls.length > disk.failsAt) throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
  }
  return {
    ...real,
    rename: async (from: string, to: string) => {
      step(`rename ${extension(from)} to ${extension(to)}`);
      await real.rename(from, to);
    },
    open: async (path: string, flags: string, mode?: number) => {
      step(`open ${flags}`);
      const handle = await real.open(path, flags, mode);
      const { sync, writeFile } = handle;
      handle.sync = () => {
        step("sync");
        return sync.call(handle);
      };
      handle.writeFile = (data: string | Uint8Array) => {
        step("write");
        return writeFile.call(handle, data);
      };
      return handle;
    },
  };
});

/** What a name has after the name of the checkpoint. */
function extension(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace("checkpoint.json", "*");
}

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-checkpoint-"));
  path = join(folder, "checkpoint.json");
  Object.assign(disk, { failsAt: Number.POSITIVE_INFINITY, calls: [] });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Loads as another process does. */
function load(): Promise<JsonValue | undefined> {
  return openCheckpointFile(path).load();
}

const DAMAGE: readonly [string, (text: string) => string][] = [
  ["empty", () => ""],
  ["cut off", (text) => text.slice(0, -10)],
  ["zeros", (text) => "\0".repeat(text.length)],
  ["not JSON", () => "checkpoint"],
  ["other JSON", () => "[1]"],
  ["another format", (text) => text.replace("checkpoint-1", "checkpoint-9")],
  ["a changed position", (text) => text.replace('"offset":2', '"offset":3')],
  ["no position", (text) => text.replace('"position"', '"place"')],
];

describe("openCheckpointFile", () => {
  test("loads what was saved last, and nothing before", async () => {
    expect(await load()).toBeUndefined();
    await openCheckpointFile(path).save({ offset: 1 });
    await openCheckpointFile(path).save({ offset: 2 });
    expect(await load()).toEqual({ offset: 2 });
  });

  test("loads every value that JSON has, exactly", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        // JSON has no -0.
        const position = JSON.parse(JSON.stringify(value)) as JsonValue;
        await openCheckpointFile(path).save(position);
        expect(await load()).toEqual(position);
      }),
      { numRuns: 50 },
    );
  });

  test("creates its folder, and files that only the owner may read", async () => {
    path = join(folder, "a", "b", "checkpoint.json");
    const checkpoint = openCheckpointFile(path);
    await checkpoint.save(1);
    await checkpoint.save(2);
    for (const file of [path, `${path}.previous`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "a", "b")).sort()).toEqual([
      "checkpoint.json",
      "checkpoint.json.previous",
    ]);
  });

  test("the new file is on the disk before it replaces the old one, and then its name", async () => {
    const checkpoint = openCheckpointFile(path);
    await checkpoint.save(1);
    disk.calls.length = 0;
    await checkpoint.save(2);
    expect(disk.calls).toEqual([
      "open w",
      "write",
      "sync",
      "rename * to *.previous",
      "rename *.next to *",
      "open r",
      "sync",
    ]);
  });

  test.each(DAMAGE)("damaged (%s): loads the previous one", async (_, damage) => {
    const checkpoint = openCheckpointFile(path);
    await checkpoint.save({ offset: 1 });
    await checkpoint.save({ offset: 2 });
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    expect(await load()).toEqual({ offset: 1 });
  });

  test("both damaged: fails, so that collecting does not silently begin anew", async () => {
    const checkpoint = openCheckpointFile(path);
    await checkpoint.save(1);
    await checkpoint.save(2);
    writeFileSync(path, "x");
    writeFileSync(`${path}.previous`, "");
    await expect(load()).rejects.toMatchObject({
      code: "open_failed",
      path,
      message: expect.stringContaining("not a checkpoint"),
    });
  });

  test("damaged without a previous one: fails", async () => {
    writeFileSync(path, "{}");
    await expect(load()).rejects.toMatchObject({ code: "open_failed", path });
  });

  test("a crash at any step leaves the last or the new position", async () => {
    const steps = 7;
    for (let failsAt = 0; failsAt <= steps; failsAt++) {
      disk.failsAt = Number.POSITIVE_INFINITY;
      const checkpoint = openCheckpointFile(path);
      await checkpoint.save({ offset: 1 });
      await checkpoint.save({ offset: 2 });
      Object.assign(disk, { failsAt, calls: [] });
      const saving = checkpoint.save({ offset: 3 });
      if (failsAt < steps) {
        const message = `save the checkpoint ${path}: EIO: i/o error`;
        await expect(saving).rejects.toMatchObject({ code: "sink_failed", message });
      } else await saving;
      // The new one is in place after the second rename.
      expect(await load()).toEqual({ offset: failsAt >= 5 ? 3 : 2 });
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    }
  });

  test("saves again after a crash between the two renames", async () => {
    const checkpoint = openCheckpointFile(path);
    await checkpoint.save(1);
    Object.assign(disk, { failsAt: 4, calls: [] });
    await expect(checkpoint.save(2)).rejects.toThrow("EIO");
    disk.failsAt = Number.POSITIVE_INFINITY;
    expect(existsSync(path)).toBe(false);
    expect(await load()).toBe(1);
    await openCheckpointFile(path).save(3);
    expect(await load()).toBe(3);
  });

  test("says why it cannot be saved or loaded", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const below = openCheckpointFile(join(file, "checkpoint.json"));
    await expect(below.save(1)).rejects.toMatchObject({ code: "sink_failed" });
    mkdirSync(path);
    await expect(load()).rejects.toMatchObject({ code: "open_failed", path, cause: { code: "EISDIR" } });
  });

  test("rejects a path that is not a string", () => {
    expect(() => openCheckpointFile("")).toThrow(TypeError);
  });
});

describeAsRoot("openCheckpointFile: a disk that became read-only", () => {
  describeUnless("of 64 KiB", whyNoDisk(), () => {
    test("the position is still loaded, and saving fails", async () => {
      using readOnly = tinyDisk();
      path = join(readOnly.path, "checkpoint.json");
      const checkpoint = openCheckpointFile(path);
      await checkpoint.save(1);
      spawnSync("mount", ["-o", "remount,ro", readOnly.path]);
      const failure = { code: "sink_failed", cause: { code: "EROFS" } };
      await expect(checkpoint.save(2)).rejects.toMatchObject(failure);
      expect(await load()).toBe(1);
    });
  });
});
