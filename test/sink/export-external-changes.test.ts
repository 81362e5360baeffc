import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FlowscribeError } from "../../src/errors/errors.js";
import { GetFlowsResponseSchema } from "../../src/proto.js";
import { type ExportFileOptions, openExportFile } from "../../src/sink/export.js";
import { fakeClock } from "../support/fake-clock.js";
import { openFilesIn } from "./folder.js";

let root = "";
let path = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flowscribe-export-"));
  path = join(root, "logs", "hubble.log");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const event = (uuid: string) =>
  create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: { uuid } } });

/** The uuids of the lines of a file; undefined without a file. */
function uuids(file: string): string[] | undefined {
  if (!existsSync(file)) return undefined;
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line).flow.uuid);
}

async function open(options: ExportFileOptions = {}) {
  return openExportFile(path, { clock: fakeClock(Date.UTC(2026, 10, 22, 12)), ...options });
}

interface Change {
  readonly name: string;
  /** What another program does between the events a and b. */
  readonly change: () => void;
  /** What is where afterwards, by paths below the root. */
  readonly files: Readonly<Record<string, readonly string[] | undefined>>;
}

const changes: readonly Change[] = [
  {
    name: "is removed",
    change: () => unlinkSync(path),
    files: { "logs/hubble.log": ["b", "c"] },
  },
  {
    name: "is renamed",
    change: () => renameSync(path, `${path}.1`),
    files: { "logs/hubble.log": ["b", "c"], "logs/hubble.log.1": ["a"] },
  },
  {
    name: "is renamed, and another program creates a new one (logrotate's `create`)",
    change: () => {
      renameSync(path, `${path}.1`);
      writeFileSync(path, "");
    },
    files: { "logs/hubble.log": ["b", "c"], "logs/hubble.log.1": ["a"] },
  },
  {
    name: "is replaced by a file that has lines already",
    change: () => {
      writeFileSync(`${path}.new`, '{"flow":{"uuid":"other"}}\n');
      renameSync(`${path}.new`, path);
    },
    files: { "logs/hubble.log": ["other", "b", "c"] },
  },
  {
    name: "is truncated (logrotate's `copytruncate`)",
    change: () => truncateSync(path),
    files: { "logs/hubble.log": ["b", "c"] },
  },
  {
    name: "is appended to by another program",
    change: () => appendFileSync(path, '{"flow":{"uuid":"other"}}\n'),
    files: { "logs/hubble.log": ["a", "other", "b", "c"] },
  },
  {
    name: "is removed with its folder",
    change: () => rmSync(join(root, "logs"), { recursive: true }),
    files: { "logs/hubble.log": ["b", "c"] },
  },
  {
    name: "is moved with its folder",
    change: () => renameSync(join(root, "logs"), join(root, "old")),
    files: { "logs/hubble.log": ["b", "c"], "old/hubble.log": ["a"] },
  },
];

describe("openExportFile: when the file", () => {
  test.each(changes)("$name, later events are in the file at its path", async ({ change, files }) => {
    const sink = await open();
    sink.write(event("a"));
    await turn();
    change();
    sink.write(event("b"));
    await turn();
    sink.write(event("c"));
    await sink.close();
    for (const [file, expected] of Object.entries(files)) expect(uuids(join(root, file))).toEqual(expected);
    expect(sink.stats).toMatchObject({ offered: 3, written: 3, lost: 0 });
    expect(openFilesIn(root)).toEqual([]);
  });

  test.each(changes)(
    "$name before the last write of close(), that write follows",
    async ({ change, files }) => {
      const sink = await open();
      sink.write(event("a"));
      await turn();
      change();
      sink.write(event("b"));
      sink.write(event("c"));
      await sink.close();
      for (const [file, expected] of Object.entries(files)) expect(uuids(join(root, file))).toEqual(expected);
    },
  );

  test("is removed and no more lines are written, close() does not create it again", async () => {
    const sink = await open();
    sink.write(event("a"));
    await turn();
    rmSync(join(root, "logs"), { recursive: true });
    await sink.close();
    expect(existsSync(path)).toBe(false);
  });

  test("is reached by a symbolic link that is changed, later events are in the new target", async () => {
    mkdirSync(join(root, "logs"));
    for (const name of ["one", "two"]) writeFileSync(join(root, name), "");
    symlinkSync(join(root, "one"), path);
    const sink = await open();
    sink.write(event("a"));
    await turn();
    unlinkSync(path);
    symlinkSync(join(root, "two"), path);
    sink.write(event("b"));
    await sink.close();
    expect([uuids(join(root, "one")), uuids(join(root, "two"))]).toEqual([["a"], ["b"]]);
  });

  test("is renamed, the new file has its permissions for any umask", async () => {
    const sink = await open();
    chmodSync(path, 0o664);
    sink.write(event("a"));
    await turn();
    renameSync(path, `${path}.1`);
    const umask = process.umask(0o077);
    try {
      sink.write(event("b"));
      await sink.close();
    } finally {
      process.umask(umask);
    }
    expect(statSync(path).mode & 0o777).toBe(0o664);
  });

  test("is replaced, the permissions of the replacement stay", async () => {
    const sink = await open();
    sink.write(event("a"));
    await turn();
    renameSync(path, `${path}.1`);
    writeFileSync(path, "");
    chmodSync(path, 0o640);
    sink.write(event("b"));
    await sink.close();
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });
});

describe("openExportFile: when the path cannot be opened again", () => {
  test.each<{ name: string; block: () => void; unblock: () => void }>([
    { name: "a folder", block: () => mkdirSync(path), unblock: () => rmdirSync(path) },
    {
      name: "a pipe without a reader",
      block: () => execFileSync("mkfifo", [path]),
      unblock: () => unlinkSync(path),
    },
  ])(
    "because it is $name, events are lost and reported until it can be opened",
    async ({ block, unblock }) => {
      const sink = await open();
      sink.write(event("a"));
      await turn();
      renameSync(path, `${path}.1`);
      block();
      sink.write(event("b"));
      await turn();
      const failed = () => sink.write(event("c"));
      expect(failed).toThrow(FlowscribeError);
      expect(sink.stats).toMatchObject({ offered: 3, written: 1, lost: 2 });
      unblock();
      sink.write(event("d"));
      await sink.close();
      expect([uuids(`${path}.1`), uuids(path)]).toEqual([["a"], ["d"]]);
      expect(sink.stats).toMatchObject({ offered: 4, written: 2, lost: 2 });
      expect(openFilesIn(root)).toEqual([]);
    },
  );

  test("errors name the path, the lost lines and the cause", async () => {
    const sink = await open();
    sink.write(event("a"));
    await turn();
    unlinkSync(path);
    mkdirSync(path);
    sink.write(event("b"));
    await expect(sink.close()).rejects.toThrow(
      new RegExp(`^write ${path} \\(1 line is lost\\): reopen ${path}: EISDIR`),
    );
  });
});

test("openExportFile: rejects a pipe without a reader instead of waiting for one", async () => {
  mkdirSync(join(root, "logs"));
  execFileSync("mkfifo", [path]);
  await expect(open()).rejects.toMatchObject({ code: "open_failed", cause: { code: "ENXIO" } });
});

describe("openExportFile: rotation", () => {
  test("counts from the size to which another program has truncated the file", async () => {
    const sink = await open({ maxFileBytes: 100 });
    for (const uuid of ["a", "b", "c"]) sink.write(event(uuid)); // 66 bytes
    await turn();
    truncateSync(path);
    for (const uuid of ["d", "e", "f"]) sink.write(event(uuid));
    await sink.close();
    expect(uuids(path)).toEqual(["d", "e", "f"]);
    expect(sink.stats).toMatchObject({ rotations: 0, lost: 0 });
  });

  test("does not make a backup of a small file that has replaced a full one", async () => {
    const sink = await open({ maxFileBytes: 100 });
    for (const uuid of ["a", "b", "c", "d"]) sink.write(event(uuid)); // 88 bytes
    await turn();
    renameSync(path, `${path}.1`);
    sink.write(event("e"));
    await sink.close();
    expect(readdirSync(join(root, "logs")).sort()).toEqual(["hubble.log", "hubble.log.1"]);
    expect(uuids(path)).toEqual(["e"]);
  });

  test("neither loses nor repeats a line when other programs change the file", async () => {
    const operation = fc.constantFrom("write", "write", "write", "turn", "rename", "remove", "truncate");
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
        rmSync(join(root, "logs"), { recursive: true, force: true });
        const sink = await open({ maxFileBytes: 100, maxBackups: 0 });
        const written: string[] = [];
        const removed: string[] = [];
        for (const [index, name] of operations.entries()) {
          if (name === "write") {
            written.push(`${index}`);
            sink.write(event(`${index}`));
          } else if (name === "turn") {
            await turn();
          } else if (existsSync(path)) {
            if (name === "rename") renameSync(path, `${path}.${index}`);
            else {
              removed.push(...(uuids(path) ?? []));
              if (name === "remove") unlinkSync(path);
              else truncateSync(path);
            }
          }
        }
        await sink.close();
        const found = readdirSync(join(root, "logs")).flatMap(
          (name) => uuids(join(root, "logs", name)) ?? [],
        );
        expect([...found, ...removed].sort()).toEqual(written.sort());
        expect(sink.stats).toMatchObject({ written: written.length, lost: 0 });
      }),
    );
  });
});
