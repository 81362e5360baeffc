import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonValue } from "../../../src/observer/index.js";
import { exportFileSource } from "../../../src/source/export.js";
import { openFilesIn } from "../../sink/folder.js";
import { readExport } from "./collecting.js";
import { ExportWriter, lineOf, type Scheme } from "./writer.js";

let folder = "";
let writer: ExportWriter;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "flowscribe-export-"));
  writer = new ExportWriter(folder);
});

afterEach(async () => {
  expect(openFilesIn(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

async function readAll(path: string, options: Parameters<typeof readExport>[1] = {}, position?: JsonValue) {
  const reading = readExport(path, options, position);
  await reading.ended;
  return reading;
}

describe("exportFileSource: lines", () => {
  test.each([
    [
      "docker",
      `${JSON.stringify({ log: `${lineOf(1)}\n`, stream: "stdout", time: "2026-01-02T03:04:05Z" })}\n`,
    ],
    ["CRI", `2026-01-02T03:04:05.678901234Z stdout F ${lineOf(1)}\n`],
    ["a bare flow", `{"uuid":"1","verdict":"FORWARDED"}\n`],
    ["a byte order mark", `\ufeff${lineOf(1)}\n`],
    ["carriage returns", `${lineOf(1)}\r\n`],
    ["a hole of NUL bytes", `${"\0".repeat(3_000_000)}${lineOf(1)}\n`],
    ["no line feed at the end", lineOf(1)],
    ["parts of a CRI line", criParts(lineOf(1))],
  ])("reads %s", async (_, text) => {
    writer.appendText(text);
    const { uuids, reports } = await readAll(writer.path);
    expect({ uuids, reports }).toEqual({ uuids: ["1"], reports: [] });
  });

  test("reports bad lines with file and offset, and goes on", async () => {
    const first = `${lineOf(1)}\n`;
    writer.appendText(`${first}no event\n${lineOf(2)}\n${"x".repeat(2000)}\n${lineOf(3)}\n`);
    const { uuids, reports, source } = await readAll(writer.path, { maxLineBytes: 1000 });
    const second = first.length + "no event\n".length + lineOf(2).length + 1;
    expect(uuids).toEqual(["1", "2", "3"]);
    expect(reports).toEqual([
      {
        kind: "bad_line",
        path: writer.path,
        offset: first.length,
        message: expect.stringContaining("not JSON"),
      },
      { kind: "bad_line", path: writer.path, offset: second, message: "longer than 1000 bytes" },
    ]);
    expect((source as ReturnType<typeof exportFileSource>).stats).toEqual({
      ...{ events: 3, badLines: 2, files: 1, damagedFiles: 0, gaps: 0 },
      bytes: second + 2001 + lineOf(3).length + 1,
    });
  });

  test("a bad line that began before the chunk is reported where it began", async () => {
    const first = `${lineOf(1)}\n`;
    writer.appendText(`${first}${"x".repeat(600_000)}\n${lineOf(2)}\n`);
    const { uuids, reports } = await readAll(writer.path);
    expect(uuids).toEqual(["1", "2"]);
    expect(reports).toMatchObject([{ kind: "bad_line", offset: first.length }]);
  });

  test("a last line that is not finished is read again when it is", async () => {
    const line = lineOf(2);
    writer.appendText(`${lineOf(1)}\n${line.slice(0, 20)}`);
    const first = await readAll(writer.path);
    expect(first.uuids).toEqual(["1"]);
    expect(first.reports).toMatchObject([{ kind: "bad_line", offset: lineOf(1).length + 1 }]);
    writer.appendText(`${line.slice(20)}\n`);
    const { uuids, reports } = await readAll(writer.path, {}, first.source.position!());
    expect({ uuids, reports }).toEqual({ uuids: ["2"], reports: [] });
  });

  test("a whole last line without a line feed is not read again", async () => {
    writer.appendText(lineOf(1));
    const { source } = await readAll(writer.path);
    writer.appendText(`\n${lineOf(2)}\n`);
    expect((await readAll(writer.path, {}, source.position!())).uuids).toEqual(["2"]);
  });
});

describe("exportFileSource: memory", () => {
  test("a line of 200 MB is not held", async () => {
    writer.append(1);
    for (let part = 0; part < 20; part++) writer.appendText("x".repeat(10_000_000));
    writer.appendText("\n");
    writer.append(2);
    const before = process.memoryUsage().rss;
    const { uuids, reports } = await readAll(writer.path);
    expect(uuids).toEqual(["1", "2"]);
    expect(reports).toMatchObject([{ kind: "bad_line", offset: lineOf(1).length + 1 }]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test("100 MB of zeros in gzip are read like any hole", async () => {
    const zeros = gzipSync(Buffer.alloc(10_000_000));
    writeFileSync(
      `${writer.path}.1.gz`,
      Buffer.concat([...Array.from({ length: 10 }, () => zeros), gzipSync(`${lineOf(1)}\n`)]),
    );
    writer.append(2);
    const before = process.memoryUsage().rss;
    expect((await readAll(writer.path)).uuids).toEqual(["1", "2"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });
});

describe("exportFileSource: where it begins", () => {
  test("start: the oldest backup first, of both schemes, plain and gzip", async () => {
    writeFileSync(`${writer.path}.2.gz`, gzipSync(`${lineOf(1)}\n`));
    writeFileSync(`${writer.path}.1`, `${lineOf(2)}\n`);
    writeFileSync(join(folder, "events-2026-01-02T03-04-05.000.log.gz"), gzipSync(`${lineOf(3)}\n`));
    writeFileSync(join(folder, "events-2026-01-02T03-04-05.001.log"), `${lineOf(4)}\n`);
    writer.append(5);
    // Not backups of this file.
    for (const name of ["events.log.old", "events.log.1.bz2", "events-2.log", "other.log.1"]) {
      writeFileSync(join(folder, name), `${lineOf("other")}\n`);
    }
    mkdirSync(`${writer.path}.3`);
    expect((await readAll(writer.path)).uuids).toEqual(["1", "2", "3", "4", "5"]);
    expect((await readAll(writer.path, { backups: false })).uuids).toEqual(["5"]);
  });

  test("a backup beside its unfinished compressed form is read once", async () => {
    writeFileSync(`${writer.path}.1`, `${lineOf(1)}\n`);
    writeFileSync(`${writer.path}.1.gz`, gzipSync(`${lineOf(1)}\n`).subarray(0, 20));
    writer.append(2);
    const { uuids, reports } = await readAll(writer.path);
    expect({ uuids, reports }).toEqual({ uuids: ["1", "2"], reports: [] });
  });

  test.each(["plain", "gzip"])(
    "end: after what exists in a %s file, and from there after a crash",
    async (form) => {
      if (form === "plain") writer.append(1, 2);
      else writeFileSync(writer.path, gzipSync(`${lineOf(1)}\n${lineOf(2)}\n`));
      const reading = readExport(writer.path, { follow: true, from: "end" });
      await reading.poll();
      expect(reading.uuids).toEqual([]);
      const position = await reading.stop();
      writer.rotate();
      writer.append(3);
      writer.rotate();
      writer.append(4);
      const { uuids, reports } = await readAll(writer.path, { from: "end" }, position);
      expect({ uuids, reports }).toEqual({ uuids: ["3", "4"], reports: [] });
    },
  );

  test("end: a last line that is not finished is read when it is", async () => {
    const line = lineOf(2);
    writer.appendText(`${lineOf(1)}\n${line.slice(0, 20)}`);
    const reading = readExport(writer.path, { follow: true, from: "end" });
    await reading.poll();
    writer.appendText(`${line.slice(20)}\n`);
    await reading.poll();
    expect(reading.uuids).toEqual(["2"]);
    await reading.stop();
  });

  test("end: an empty file after a backup", async () => {
    writer.append(1);
    writer.rotate();
    const reading = readExport(writer.path, { follow: true, from: "end" });
    await reading.poll();
    const position = await reading.stop();
    writer.append(2);
    expect((await readAll(writer.path, {}, position)).uuids).toEqual(["2"]);
  });

  test.each([false, true])("without a file (backups: %s), fails or waits with follow", async (backups) => {
    const failure = {
      code: "open_failed",
      path: writer.path,
      message: expect.stringContaining("no such file"),
    };
    await expect(readAll(writer.path, { backups })).rejects.toMatchObject(failure);
    const reading = readExport(writer.path, { follow: true, backups });
    await reading.poll();
    await reading.poll();
    expect(reading.reports).toMatchObject([{ kind: "waiting", path: writer.path, error: failure }]);
    writer.append(1);
    await reading.poll();
    expect(reading.uuids).toEqual(["1"]);
    await reading.stop();
  });

  test("a folder that does not exist yet is waited for", async () => {
    const later = new ExportWriter(join(folder, "later"));
    const reading = readExport(later.path, { follow: true });
    await reading.poll();
    mkdirSync(join(folder, "later"));
    later.append(1);
    await reading.poll();
    expect(reading.uuids).toEqual(["1"]);
    await reading.stop();
  });

  test("rejects what is not a regular file", async () => {
    mkdirSync(writer.path);
    await expect(readAll(writer.path)).rejects.toMatchObject({
      code: "open_failed",
      message: expect.stringContaining("not a regular file"),
    });
  });
});

describe("exportFileSource: damaged files", () => {
  test("a damaged backup is reported, and the next file is read", async () => {
    writeFileSync(`${writer.path}.2.gz`, gzipSync(`${lineOf(1)}\n`).subarray(0, -4));
    writeFileSync(`${writer.path}.1`, Buffer.from("28b52ffd00", "hex"));
    writer.append(2);
    const { uuids, reports } = await readAll(writer.path);
    expect(uuids).toEqual(["1", "2"]);
    expect(reports).toMatchObject([
      { kind: "damaged", path: `${writer.path}.2.gz`, error: { code: "malformed_gzip" } },
      { kind: "damaged", path: `${writer.path}.1`, error: { code: "malformed_export" } },
    ]);
  });

  test("fails if the last file is damaged, after its events", async () => {
    writeFileSync(writer.path, gzipSync(`${lineOf(1)}\n`).subarray(0, -4));
    const reading = readExport(writer.path);
    await expect(reading.ended).rejects.toMatchObject({ code: "malformed_gzip", path: writer.path });
    expect(reading.uuids).toEqual(["1"]);
  });

  test("follow: waits until a damaged file is replaced", async () => {
    writeFileSync(writer.path, Buffer.from("d4c3b2a1020004", "hex"));
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    expect(reading.reports).toMatchObject([{ kind: "damaged", error: { code: "malformed_export" } }]);
    writer.rotate();
    writer.append(1);
    await reading.poll();
    expect(reading.uuids).toEqual(["1"]);
    await reading.stop();
  });
});

describe("exportFileSource: follow", () => {
  test("reads lines when they are finished", async () => {
    writer.append(1);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    const line = lineOf(2);
    writer.appendText(line.slice(0, 10));
    await reading.poll();
    expect(reading.uuids).toEqual(["1"]);
    writer.appendText(`${line.slice(10)}\n`);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2"]);
    expect(reading.reports).toEqual([]);
    await reading.stop();
  });

  test.each<Scheme>(["timed", "numbered"])("several rotations between two checks, %s", async (scheme) => {
    const rotating = new ExportWriter(folder, scheme);
    rotating.append(1);
    const reading = readExport(rotating.path, { follow: true });
    await reading.poll();
    rotating.append(2);
    rotating.rotate();
    rotating.append(3);
    rotating.rotate();
    rotating.compress();
    rotating.append(4);
    rotating.rotate();
    rotating.append(5);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2", "3", "4", "5"]);
    expect(reading.reports).toEqual([]);
    await reading.stop();
  });

  test("what a program writes into the renamed file until it reopens the path is read", async () => {
    writer.append(1);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    const old = join(folder, "events.log.1");
    renameSync(writer.path, old);
    writeFileSync(writer.path, "");
    reading.clock.advance(250);
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(old, `${lineOf(2)}\n`, { flag: "a" });
    writer.append(3);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2", "3"]);
    await reading.stop();
  });

  test.each<Scheme>(["timed", "numbered"])(
    "copytruncate, %s: what was not read is in the copy",
    async (scheme) => {
      const rotating = new ExportWriter(folder, scheme);
      rotating.append(1);
      const reading = readExport(rotating.path, { follow: true });
      await reading.poll();
      rotating.append(2);
      rotating.copyAndTruncate();
      // Longer than before, so that the size does not tell.
      rotating.append(3, 4, 5, 6);
      await reading.poll();
      expect(reading.uuids).toEqual(["1", "2", "3", "4", "5", "6"]);
      expect(reading.reports).toMatchObject([{ kind: "truncated", path: rotating.path }]);
      await reading.stop();
    },
  );

  test("truncated without a copy: reads from the start, and reports the gap", async () => {
    writer.append(1, 2);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    truncateSync(writer.path);
    writer.append(3);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2", "3"]);
    expect(reading.reports).toMatchObject([{ kind: "truncated" }, { kind: "gap", path: writer.path }]);
    await reading.stop();
  });

  test.each([
    { backups: true, kinds: ["gap", "gap"] },
    { backups: false, kinds: [] },
  ])(
    "a file that is replaced without a backup, again and again, backups: $backups",
    async ({ backups, kinds }) => {
      writer.append(1);
      const reading = readExport(writer.path, { follow: true, backups });
      await reading.poll();
      for (const number of [2, 3]) {
        const next = join(folder, "next");
        writeFileSync(next, `${lineOf(number)}\n`);
        renameSync(next, writer.path);
        await reading.poll();
      }
      expect(reading.uuids).toEqual(["1", "2", "3"]);
      expect(reading.reports.map(({ kind }) => kind)).toEqual(kinds);
      await reading.stop();
    },
  );

  test("a symbolic link that leads to another file", async () => {
    for (const number of [1, 2]) writeFileSync(join(folder, `file-${number}`), `${lineOf(number)}\n`);
    symlinkSync(join(folder, "file-1"), writer.path);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    rmSync(writer.path);
    symlinkSync(join(folder, "file-2"), writer.path);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2"]);
    await reading.stop();
  });

  test("reports a gap if more was rotated away between two checks than backups are kept", async () => {
    writer.append(1);
    writer.rotate();
    writer.append(2);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    for (const number of [3, 4, 5]) {
      writer.rotate();
      writer.append(number);
    }
    for (let removed = 0; removed < 3; removed++) writer.removeOldest();
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2", "4", "5"]);
    expect(reading.reports).toMatchObject([{ kind: "gap", path: writer.backups[0] }]);
    await reading.stop();
  });

  test("a file that is removed by hand is followed by the newer ones only", async () => {
    writer.append(1);
    writer.rotate();
    writer.append(2);
    const reading = readExport(writer.path, { follow: true });
    await reading.poll();
    rmSync(writer.path);
    await reading.poll();
    writer.append(3);
    await reading.poll();
    expect(reading.uuids).toEqual(["1", "2", "3"]);
    expect(reading.reports).toEqual([]);
    await reading.stop();
  });
});

describe("exportFileSource: positions", () => {
  test.each<Scheme>(["timed", "numbered"])(
    "resumes in a file that was renamed and compressed, %s",
    async (scheme) => {
      const rotating = new ExportWriter(folder, scheme);
      rotating.append(1, 2);
      const first = await readAll(rotating.path);
      rotating.append(3);
      rotating.rotate();
      rotating.append(4);
      rotating.rotate();
      rotating.compress();
      rotating.append(5);
      const { uuids, reports } = await readAll(rotating.path, {}, first.source.position!());
      expect({ uuids, reports }).toEqual({ uuids: ["3", "4", "5"], reports: [] });
    },
  );

  test("is small, and has only the fingerprint and the offset", async () => {
    writer.append(1);
    const { source } = await readAll(writer.path);
    const bytes = lineOf(1).length + 1;
    expect(source.position!()).toEqual({
      fingerprint: { bytes, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      offset: bytes,
    });
  });

  test("begins with the oldest file, and reports it, if the file is gone", async () => {
    writer.append(1);
    const first = await readAll(writer.path);
    writer.rotate();
    writer.append(2);
    writer.rotate();
    writer.append(3);
    writer.removeOldest();
    const { uuids, reports } = await readAll(writer.path, {}, first.source.position!());
    expect(uuids).toEqual(["2", "3"]);
    expect(reports).toEqual([{ kind: "gap", path: writer.backups[0] }]);
  });

  test("reports a file that lost a part of what was read", async () => {
    const numbers = Array.from({ length: 30 }, (_, index) => index + 1);
    writer.append(...numbers);
    const first = await readAll(writer.path);
    truncateSync(writer.path, 2000);
    const { uuids, reports } = await readAll(writer.path, {}, first.source.position!());
    expect(uuids).toEqual([]);
    expect(reports).toEqual([{ kind: "gap", path: writer.path }]);
  });

  test.each<[JsonValue]>([
    [null],
    ["x"],
    [[]],
    [{}],
    [{ fingerprint: {}, offset: 0 }],
    [{ fingerprint: { bytes: 1, sha256: "x" }, offset: 0 }],
    [{ fingerprint: { bytes: 1025, sha256: "0".repeat(64) }, offset: 0 }],
    [{ fingerprint: { bytes: 1, sha256: "0".repeat(64) }, offset: -1 }],
    [{ fingerprint: { bytes: 1, sha256: "0".repeat(64) }, offset: 1.5 }],
    [{ fingerprint: { bytes: 1, sha256: "0".repeat(64) }, offset: 0, previous: 7 }],
  ])("rejects the position %j of another source", async (position) => {
    writer.append(1);
    await expect(readAll(writer.path, {}, position)).rejects.toMatchObject({
      code: "open_failed",
      message: expect.stringContaining("the position is not that of an export file"),
    });
  });
});

describe("exportFileSource: arguments", () => {
  test("rejects unknown and wrong options, and a path that is not a string", () => {
    const wrong = { from: "middle", backups: 1, maxLineBytes: 0, tail: true };
    // @ts-expect-error Wrong on purpose.
    expect(() => exportFileSource("a", wrong)).toThrow(
      expect.objectContaining({
        issues: ["tail", "from", "backups", "maxLineBytes"].map((path) => expect.objectContaining({ path })),
      }),
    );
    expect(() => exportFileSource("")).toThrow(TypeError);
  });
});

/** A line in parts of 16 bytes, as a container runtime splits long lines. */
function criParts(line: string): string {
  const parts = line.match(/.{1,16}/g) ?? [];
  return parts
    .map((part, index) => `2026-01-02T03:04:05Z stdout ${index === parts.length - 1 ? "F" : "P"} ${part}\n`)
    .join("");
}
