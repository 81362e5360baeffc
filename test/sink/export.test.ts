import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OptionsError } from "../../src/errors/errors.js";
import { encodeExportLine } from "../../src/observer/index.js";
import { ExportEventSchema, FlowSchema, GetFlowsResponseSchema, Verdict } from "../../src/proto.js";
import { type ExportFileOptions, openExportFile, openExportStream } from "../../src/sink/export.js";
import { readLines, sharedFlowFiles } from "../observer/lines.js";
import { fakeClock } from "../support/fake-clock.js";
import { describeWithShared } from "../support/shared.js";

const NOON = Date.UTC(2026, 10, 22, 12);

function flowEvent(uuid: string, verdict = Verdict.FORWARDED) {
  return create(GetFlowsResponseSchema, { responseTypes: { case: "flow", value: { uuid, verdict } } });
}

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "flowscribe-export-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A path in a folder that is new for every test. */
const folder = (name: string) => join(root, name);

/** A line of 100 bytes, line feed included. */
const hundred = (index: number) => flowEvent(`${index}`.padStart(57, "x"));
const lineOf = (index: number) => encodeExportLine(hundred(index));

/** The numbers of the lines in a file. */
function indexes(path: string): number[] {
  const bytes = readFileSync(path);
  const text = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => Number(JSON.parse(line).flow.uuid.replaceAll("x", "")));
}

/** Exports the numbers from..to-1, one a second. */
async function exportNumbers(
  path: string,
  from: number,
  to: number,
  options: ExportFileOptions = {},
  startMs = NOON,
) {
  const clock = fakeClock(startMs);
  const sink = await openExportFile(path, { clock, ...options });
  for (let index = from; index < to; index++) {
    sink.write(hundred(index));
    clock.advance(1000);
  }
  await sink.close();
  return sink.stats;
}

test("encodeExportLine: the lines of these tests have 100 bytes", () => {
  expect(lineOf(7)).toHaveLength(99);
});

describe("openExportFile: the file", () => {
  test("has a line for every event, is created with its folders, and is accessible to its owner only", async () => {
    const path = folder("a/b/hubble.log");
    const stats = await exportNumbers(path, 0, 3);
    expect(readFileSync(path, "utf8")).toBe(`${lineOf(0)}\n${lineOf(1)}\n${lineOf(2)}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(stats).toEqual({
      offered: 3,
      written: 3,
      filtered: 0,
      late: 0,
      lost: 0,
      bytes: 300,
      rotations: 0,
    });
  });

  test("is appended to if it exists", async () => {
    const path = folder("hubble.log");
    await exportNumbers(path, 0, 3);
    await exportNumbers(path, 3, 5);
    expect(indexes(path)).toEqual([0, 1, 2, 3, 4]);
  });

  test("contains written lines by the next turn of the event loop", async () => {
    const path = folder("hubble.log");
    await using sink = await openExportFile(path);
    sink.write(hundred(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(indexes(path)).toEqual([1]);
  });

  test("contains written lines after 64 KiB, within one turn", async () => {
    const path = folder("hubble.log");
    await using sink = await openExportFile(path);
    for (let index = 0; index < 1000; index++) sink.write(hundred(index));
    expect(statSync(path).size).toBe(65_600);
  });

  test("throws an OpenError with its path and the system's error if it cannot be opened", async () => {
    mkdirSync(folder("hubble.log"));
    await expect(openExportFile(folder("hubble.log"))).rejects.toMatchObject({
      code: "open_failed",
      path: folder("hubble.log"),
      message: `open ${folder("hubble.log")}: illegal operation on a directory`,
      cause: { code: "EISDIR" },
    });
  });

  test("is not written to after close", async () => {
    const sink = await openExportFile(folder("hubble.log"));
    await sink.close();
    await sink.close();
    expect(() => sink.write(hundred(0))).toThrow(TypeError);
  });

  test("is not created if the options are invalid", async () => {
    const path = folder("none/hubble.log");
    await expect(openExportFile(path, { allow: [{ sourcePort: ["x"] }] })).rejects.toMatchObject({
      code: "invalid_filter",
    });
    await expect(openExportFile(path, { fieldMask: ["x"] })).rejects.toMatchObject({
      code: "invalid_field_mask",
    });
    await expect(openExportFile(path, { maxFileBytes: 0 })).rejects.toThrow(OptionsError);
    await expect(openExportFile(path, { maxBackups: -1 })).rejects.toThrow(OptionsError);
    const misspelled = { maxBytes: 1, fieldAggregate: [] } as ExportFileOptions;
    await expect(openExportFile(path, misspelled)).rejects.toMatchObject({
      code: "invalid_options",
      issues: [
        { path: "maxBytes", message: "not an option of openExportFile; did you mean maxFileBytes?" },
        { path: "fieldAggregate", message: expect.stringContaining("not an option of openExportFile") },
      ],
    });
    expect(existsSync(folder("none"))).toBe(false);
  });
});

describe("openExportFile: rotation", () => {
  const names = () => readdirSync(folder(".")).sort();

  test("starts a new file before the limit is exceeded, and names the old one as lumberjack does", async () => {
    const stats = await exportNumbers(folder("hubble.log"), 0, 7, { maxFileBytes: 300 });
    expect(names()).toEqual([
      "hubble-2026-11-22T12-00-03.000.log",
      "hubble-2026-11-22T12-00-06.000.log",
      "hubble.log",
    ]);
    expect(names().map((name) => indexes(folder(name)))).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    expect(stats).toMatchObject({ written: 7, bytes: 700, rotations: 2 });
  });

  test.each([
    { there: 2, maxFileBytes: 301, backups: 0 },
    { there: 2, maxFileBytes: 300, backups: 1 },
    { there: 2, maxFileBytes: 299, backups: 1 },
  ])(
    "continues a file of $there lines below $maxFileBytes bytes: $backups backups",
    async ({ there, maxFileBytes, backups }) => {
      await exportNumbers(folder("hubble.log"), 0, there);
      await exportNumbers(folder("hubble.log"), there, there + 1, { maxFileBytes });
      expect(names()).toHaveLength(backups + 1);
    },
  );

  test("gives a line above the limit a file of its own", async () => {
    await exportNumbers(folder("hubble.log"), 0, 3, { maxFileBytes: 50 });
    expect(names().map((name) => indexes(folder(name)))).toEqual([[0], [1], [2]]);
  });

  test("keeps the newest backups, and touches no other file", async () => {
    const others = [
      "hubble-2020.log",
      "hubble-2026-13-01T00-00-00.000.log",
      "hubbles-2020-01-01T00-00-00.000.log",
      "hubble-2020-01-01T00-00-00.000.txt",
      "x-2020-01-01T00-00-00.000.log",
    ];
    for (const name of others) writeFileSync(folder(name), "");
    mkdirSync(folder("hubble-2020-01-01T00-00-01.000.log"));
    writeFileSync(folder("hubble-2020-01-01T00-00-00.000.log"), "old");
    writeFileSync(folder("hubble-2020-01-01T00-00-00.000.log.gz"), "old");
    await exportNumbers(folder("hubble.log"), 0, 8, { maxFileBytes: 100, maxBackups: 3 });
    const left = names().filter(
      (name) => !others.includes(name) && name !== "hubble-2020-01-01T00-00-01.000.log",
    );
    expect(left.map((name) => indexes(folder(name)))).toEqual([[4], [5], [6], [7]]);
    expect(names()).toEqual(expect.arrayContaining(others));
  });

  test("keeps five backups by default, all with 0", async () => {
    await exportNumbers(folder("hubble.log"), 0, 9, { maxFileBytes: 100 });
    expect(names()).toHaveLength(6);
    await exportNumbers(folder("all.log"), 0, 9, { maxFileBytes: 100, maxBackups: 0 });
    expect(names().filter((name) => name.startsWith("all"))).toHaveLength(9);
  });

  test("removes and compresses old backups when the file is opened", async () => {
    await exportNumbers(folder("hubble.log"), 0, 9, { maxFileBytes: 100, maxBackups: 0 });
    await exportNumbers(folder("hubble.log"), 9, 9, { maxBackups: 2, compress: true });
    expect(names()).toEqual([
      "hubble-2026-11-22T12-00-07.000.log.gz",
      "hubble-2026-11-22T12-00-08.000.log.gz",
      "hubble.log",
    ]);
    expect(names().map((name) => indexes(folder(name)))).toEqual([[6], [7], [8]]);
  });

  test("compresses backups, also one whose compression was interrupted", async () => {
    writeFileSync(folder("hubble-2026-11-22T11-00-00.000.log"), `${lineOf(77)}\n`);
    writeFileSync(folder("hubble-2026-11-22T11-00-00.000.log.gz"), "half of it");
    await exportNumbers(folder("hubble.log"), 0, 3, { maxFileBytes: 100, compress: true });
    expect(names()).toEqual([
      "hubble-2026-11-22T11-00-00.000.log.gz",
      "hubble-2026-11-22T12-00-01.000.log.gz",
      "hubble-2026-11-22T12-00-02.000.log.gz",
      "hubble.log",
    ]);
    expect(names().map((name) => indexes(folder(name)))).toEqual([[77], [0], [1], [2]]);
    expect(statSync(folder(names()[1]!)).mode & 0o777).toBe(0o600);
  });

  test("does not overwrite a backup of the same millisecond", async () => {
    const clock = fakeClock(NOON);
    const sink = await openExportFile(folder("hubble.log"), {
      clock,
      maxFileBytes: 100,
      maxBackups: 0,
      compress: true,
    });
    for (let index = 0; index < 20; index++) sink.write(hundred(index));
    await sink.close();
    expect(names().map((name) => indexes(folder(name)))).toEqual(
      Array.from({ length: 20 }, (_, index) => [index]),
    );
  });

  test("gives a new file the permissions of the old one", async () => {
    writeFileSync(folder("hubble.log"), `${lineOf(0)}\n`, { mode: 0o644 });
    await exportNumbers(folder("hubble.log"), 1, 2, { maxFileBytes: 100 });
    expect(names().map((name) => statSync(folder(name)).mode & 0o777)).toEqual([0o644, 0o644]);
  });

  test.each(["export", ".log", "a.b.c"])("names the backups of a file named %s", async (name) => {
    await exportNumbers(folder(name), 0, 3, { maxFileBytes: 100, maxBackups: 1 });
    const dot = name.lastIndexOf(".");
    const stem = dot === -1 ? name : name.slice(0, dot);
    const extension = dot === -1 ? "" : name.slice(dot);
    expect(names().sort()).toEqual([name, `${stem}-2026-11-22T12-00-02.000${extension}`].sort());
  });

  test("creates a new file after another program moved it", async () => {
    const clock = fakeClock(NOON);
    const sink = await openExportFile(folder("hubble.log"), { clock, maxFileBytes: 100 });
    sink.write(hundred(0));
    await new Promise((resolve) => setImmediate(resolve));
    renameSync(folder("hubble.log"), folder("moved"));
    sink.write(hundred(1));
    await sink.close();
    expect([indexes(folder("moved")), indexes(folder("hubble.log"))]).toEqual([[0], [1]]);
  });

  test("writes to devices and never renames them", async () => {
    symlinkSync("/dev/null", folder("hubble.log"));
    const stats = await exportNumbers(folder("hubble.log"), 0, 5, { maxFileBytes: 100 });
    expect(stats).toMatchObject({ written: 5, rotations: 0 });
    expect(names()).toEqual(["hubble.log"]);
  });

  test("neither loses nor repeats an event, for lines of any size", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.boolean(),
        async (lengths, maxFileBytes, compress) => {
          const inner = folder(`run-${run++}`);
          const clock = fakeClock(NOON);
          const sink = await openExportFile(join(inner, "x.log"), {
            clock,
            maxFileBytes,
            compress,
            maxBackups: 0,
          });
          const events = lengths.map((length, index) => flowEvent(`${index}-${"<".repeat(length)}`));
          for (const event of events) {
            sink.write(event);
            clock.advance(event.toString().length);
          }
          await sink.close();
          const files = readdirSync(inner)
            .filter((name) => name !== "x.log")
            .sort();
          const texts = [...files, "x.log"].map((name) => {
            const bytes = readFileSync(join(inner, name));
            return (compress && name !== "x.log" ? gunzipSync(bytes) : bytes).toString();
          });
          expect(texts.join("")).toBe(events.map((event) => `${encodeExportLine(event)}\n`).join(""));
          for (const text of texts) {
            expect(text.length <= maxFileBytes || text.indexOf("\n") === text.length - 1).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("openExportFile: failures", () => {
  test("fails the next write on a full disk, counts the lost lines, and continues later", async () => {
    symlinkSync("/dev/full", folder("hubble.log"));
    const sink = await openExportFile(folder("hubble.log"));
    sink.write(hundred(0));
    sink.write(hundred(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => sink.write(hundred(2))).toThrow(
      expect.objectContaining({ code: "sink_failed", message: expect.stringContaining("2 lines are lost") }),
    );
    expect(sink.stats).toMatchObject({ offered: 3, written: 0, lost: 3, bytes: 0 });
    sink.write(hundred(3));
    await expect(sink.close()).rejects.toMatchObject({ code: "sink_failed", cause: { code: "ENOSPC" } });
    expect(sink.stats).toMatchObject({ offered: 4, written: 0, lost: 4 });
  });

  test("reports backups that cannot be maintained, and continues the export", async () => {
    const reported: string[] = [];
    mkdirSync(folder("hubble-2026-11-22T11-00-00.000.log.gz"));
    writeFileSync(folder("hubble-2026-11-22T11-00-00.000.log"), "x");
    const onBackupError = ({ message }: Error) => void reported.push(message);
    await exportNumbers(folder("hubble.log"), 0, 2, { compress: true, onBackupError });
    expect(reported).toEqual([
      expect.stringMatching(/^compress .*hubble-2026-11-22T11-00-00\.000\.log: .*EISDIR/),
    ]);
    expect(indexes(folder("hubble.log"))).toEqual([0, 1]);
  });

  test("writes an extension of an unknown type as bytes, and reports its type once", async () => {
    const path = folder("extensions.log");
    const types: string[] = [];
    const sink = await openExportFile(path, { onUndecodableExtension: (typeUrl) => types.push(typeUrl) });
    const extensions = { typeUrl: "t/utils.RetinaMetadata", value: Uint8Array.of(8, 66) };
    for (const uuid of ["1", "2"]) sink.write(create(FlowSchema, { uuid, extensions }));
    await sink.close();
    const json = '"extensions":{"@type":"t/utils.RetinaMetadata","@value":"CEI="}';
    expect(readFileSync(path, "utf8")).toBe(`{"flow":{"uuid":"1",${json}}}\n{"flow":{"uuid":"2",${json}}}\n`);
    expect(types).toEqual(["t/utils.RetinaMetadata"]);
    expect(sink.stats).toMatchObject({ written: 2, lost: 0 });
  });

  test("loses an event without a JSON form, not the next one", async () => {
    const sink = await openExportFile(folder("hubble.log"));
    const bad = flowEvent("1");
    bad.time = { $typeName: "google.protobuf.Timestamp", seconds: 10n ** 12n, nanos: 0 };
    expect(() => sink.write(bad)).toThrow(expect.objectContaining({ code: "unencodable_event" }));
    sink.write(hundred(2));
    await sink.close();
    expect(sink.stats).toMatchObject({ offered: 2, written: 1, lost: 1 });
  });
});

describe("openExportFile: exported events", () => {
  const lines = () => readFileSync(folder("hubble.log"), "utf8").split("\n").slice(0, -1);

  test("are filtered, and cut to the field mask", async () => {
    const options = {
      allow: [{ verdict: [Verdict.DROPPED] }],
      deny: [{ uuid: ["secret"] }],
      fieldMask: ["uuid", "source.pod_name"],
    };
    const sink = await openExportFile(folder("hubble.log"), options);
    sink.write(flowEvent("a", Verdict.DROPPED));
    sink.write(flowEvent("b"));
    sink.write(flowEvent("secret", Verdict.DROPPED));
    const lost = { case: "lostEvents", value: { numEventsLost: 3n } } as const;
    sink.write(create(ExportEventSchema, { nodeName: "n", responseTypes: lost }));
    await sink.close();
    expect(lines()).toEqual(['{"flow":{"uuid":"a","source":{}}}']);
    expect(sink.stats).toEqual({
      offered: 4,
      written: 1,
      filtered: 3,
      late: 0,
      lost: 0,
      bytes: lines()[0]!.length + 1,
      rotations: 0,
    });
  });

  test("end at the end time", async () => {
    const clock = fakeClock(NOON);
    const sink = await openExportFile(folder("hubble.log"), { clock, end: new Date(NOON + 1000) });
    sink.write(hundred(0));
    clock.advance(999);
    sink.write(hundred(1));
    clock.advance(1);
    sink.write(hundred(2));
    await sink.close();
    expect(indexes(folder("hubble.log"))).toEqual([0, 1]);
    expect(sink.stats).toMatchObject({ written: 2, late: 1 });
  });
});

describe("openExportStream: the stream", () => {
  test("receives lines and stays open", async () => {
    const stream = new PassThrough();
    const sink = await openExportStream(stream, { deny: [{ uuid: ["b"] }] });
    for (const uuid of ["a", "b", "c"]) expect(sink.write(flowEvent(uuid))).toBeUndefined();
    await sink.close();
    expect(stream.listenerCount("error")).toBe(0);
    stream.end("end");
    expect((await stream.toArray()).join("")).toBe(
      '{"flow":{"uuid":"a","verdict":"FORWARDED"}}\n{"flow":{"uuid":"c","verdict":"FORWARDED"}}\nend',
    );
    expect(sink.stats).toMatchObject({ offered: 3, written: 2, filtered: 1, bytes: 88 });
  });

  test("delays writes while it is full", async () => {
    const taken: (() => void)[] = [];
    const stream = new Writable({ highWaterMark: 50, write: (_chunk, _encoding, done) => taken.push(done) });
    const sink = await openExportStream(stream);
    const order: string[] = [];
    const waiting = Promise.resolve(sink.write(hundred(0))).then(() => order.push("written"));
    await new Promise((resolve) => setImmediate(resolve));
    order.push("taken");
    taken.shift()?.();
    await waiting;
    expect(order).toEqual(["taken", "written"]);
  });

  test.each([
    {
      name: "fails",
      end: (stream: Writable) => stream.destroy(new Error("broken pipe")),
      says: "broken pipe",
    },
    { name: "is closed", end: (stream: Writable) => stream.destroy(), says: "the stream was closed" },
  ])("that $name fails pending writes", async ({ end, says }) => {
    const stream = new Writable({ highWaterMark: 1, write: () => {} });
    const sink = await openExportStream(stream);
    const waiting = sink.write(hundred(0));
    end(stream);
    await expect(waiting).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringContaining(says),
    });
    expect(() => sink.write(hundred(1))).toThrow(says);
    await expect(sink.close()).rejects.toMatchObject({ code: "sink_failed" });
    expect(sink.stats).toMatchObject({ offered: 2, written: 0, lost: 2, bytes: 0 });
  });

  test("that fails loses the lines it had not written", async () => {
    const taken: ((error?: Error) => void)[] = [];
    const stream = new Writable({ write: (_chunk, _encoding, done) => taken.push(done) });
    const sink = await openExportStream(stream);
    for (let index = 0; index < 4; index++) sink.write(hundred(index));
    expect(sink.stats).toMatchObject({ written: 4, lost: 0, bytes: 400 });
    taken.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    taken.shift()?.(new Error("disk full"));
    await expect(sink.close()).rejects.toMatchObject({ code: "sink_failed" });
    expect(sink.stats).toMatchObject({ offered: 4, written: 1, lost: 3, bytes: 100 });
  });
});

describeWithShared("openExportFile: recorded flows", () => {
  test("are the same in rotated, compressed files", async () => {
    const files = sharedFlowFiles();
    const sink = await openExportFile(folder("hubble.log"), {
      maxFileBytes: 100_000,
      maxBackups: 0,
      compress: true,
    });
    for (const { bytes } of files) for (const event of (await readLines(bytes)).events) sink.write(event);
    await sink.close();
    const backups = readdirSync(folder("."))
      .filter((name) => name.endsWith(".gz"))
      .sort();
    const texts = backups.map((name) => gunzipSync(readFileSync(folder(name))));
    expect(
      Buffer.concat([...texts, readFileSync(folder("hubble.log"))]).equals(
        Buffer.concat(files.map(({ bytes }) => bytes)),
      ),
    ).toBe(true);
    expect(sink.stats).toMatchObject({ written: 1906, lost: 0, rotations: backups.length });
  });
});
