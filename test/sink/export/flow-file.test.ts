import type * as fs from "node:fs";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { collect, fromEvents } from "../../../src/collect/index.js";
import {
  decodeExport,
  type EncodedEvent,
  encodeEvent,
  encodeExportLine,
  RefusedEventsError,
} from "../../../src/observer/index.js";
import { type FlowFileOptions, openFlowFile } from "../../../src/sink/export.js";
import { fakeClock, flow } from "../../../src/testing/index.js";
import { describeAsRoot, describeUnless } from "../../support/shared.js";
import { tinyDisk, whyNoDisk } from "../../support/tiny-disk.js";

/** What is done to the disk, in order, and what fails; the rest is real. */
const disk = vi.hoisted(() => ({ calls: [] as string[], failing: "" }));

vi.mock("node:fs", async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  const names = ["writeSync", "renameSync", "fdatasyncSync", "fsyncSync", "fdatasync"] as const;
  const traced = names.map((name) => [
    name,
    (...args: unknown[]) => {
      disk.calls.push(name);
      if (disk.failing !== name) return (real[name] as (...rest: unknown[]) => unknown)(...args);
      const error = Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
      if (name !== "fdatasync") throw error;
      return (args.at(-1) as (error: Error) => void)(error);
    },
  ]);
  return { ...real, ...Object.fromEntries(traced) };
});

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-flows-"));
  path = join(folder, "flows.jsonl");
  Object.assign(disk, { calls: [], failing: "" });
});

afterEach(() => rmSync(folder, { recursive: true }));

function events(...uuids: readonly (string | number)[]): EncodedEvent[] {
  return uuids.map((uuid) => encodeEvent(flow({ uuid: String(uuid) })));
}

/** The UUIDs in the files of the folder, the oldest first. */
async function stored(): Promise<string[]> {
  const names = readdirSync(folder).sort((a, b) => {
    // The file itself comes after its backups.
    if (a === "flows.jsonl" || b === "flows.jsonl") return a === "flows.jsonl" ? 1 : -1;
    return a.localeCompare(b);
  });
  const uuids: string[] = [];
  for (const name of names) {
    for await (const { responseTypes } of decodeExport(readFileSync(join(folder, name)))) {
      if (responseTypes.case === "flow") uuids.push(responseTypes.value.uuid);
    }
  }
  return uuids;
}

function open(options: FlowFileOptions = {}) {
  return openFlowFile(path, { clock: fakeClock(Date.UTC(2026, 0, 2)), ...options });
}

describe("openFlowFile", () => {
  test("the lines are those of Hubble's exporter, and in the file when write resolves", async () => {
    await using sink = await open();
    await sink.write(events(1, 2));
    const lines = [1, 2].map((uuid) => `${encodeExportLine(flow({ uuid: String(uuid) }))}\n`);
    expect(readFileSync(path, "utf8")).toBe(lines.join(""));
    expect(sink.stats).toEqual({ written: 2, refused: 0, failures: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("continues a file, and cuts off what a crash has left of a line", async () => {
    const whole = `${encodeExportLine(flow({ uuid: "1" }))}\n`;
    writeFileSync(path, `${whole}${whole.slice(0, 30)}`);
    const torn: number[] = [];
    {
      await using sink = await open({ onTornLine: (bytes) => torn.push(bytes) });
      await sink.write(events(2));
    }
    expect(torn).toEqual([30]);
    expect(await stored()).toEqual(["1", "2"]);
  });

  test("a batch that does not fit into the file continues in the next one, and nothing is lost", async () => {
    const uuids = Array.from({ length: 50 }, (_, index) => String(index));
    await using sink = await open({ maxFileBytes: 2000, maxBackups: 0 });
    await sink.write(events(...uuids));
    expect(readdirSync(folder).length).toBeGreaterThan(5);
    expect(await stored()).toEqual(uuids);
  });

  test("a file is on the disk before the next one is used, once the sink is durable", async () => {
    await using sink = await open({ maxFileBytes: 2000, maxBackups: 0 });
    await sink.write(events(1));
    // The data, and for a new file its name.
    expect(disk.calls).toEqual(["writeSync", "fdatasync", "fsyncSync"]);
    disk.calls.length = 0;
    await sink.write(events(2));
    expect(disk.calls).toEqual(["writeSync", "fdatasync"]);
    disk.calls.length = 0;
    await sink.write(events(...Array.from({ length: 8 }, (_, index) => index + 3)));
    for (const [index, call] of disk.calls.entries()) {
      if (call === "renameSync") expect(disk.calls[index + 1]).toBe("fdatasyncSync");
    }
    expect(disk.calls).toContain("renameSync");
    expect(disk.calls.slice(-2)).toEqual(["fdatasync", "fsyncSync"]);
  });

  test.each(["writeSync", "fdatasync", "fsyncSync"])(
    "a failure of %s rejects, and the same events are written again",
    async (call) => {
      await using sink = await open();
      disk.failing = call;
      await expect(sink.write(events(1, 2))).rejects.toMatchObject({ code: "sink_failed" });
      expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
      disk.failing = "";
      await sink.write(events(1, 2));
      expect(sink.stats).toEqual({ written: 2, refused: 0, failures: 1 });
      expect([...new Set(await stored())]).toEqual(["1", "2"]);
    },
  );

  test("a failure to store a file that is left is a failure of the batch", async () => {
    await using sink = await open({ maxFileBytes: 2000, maxBackups: 0 });
    await sink.write(events(1));
    disk.failing = "fdatasyncSync";
    const batch = events(2, 3, 4, 5, 6, 7, 8);
    await expect(sink.write(batch)).rejects.toMatchObject({ code: "sink_failed" });
    disk.failing = "";
    await sink.write(batch);
    expect([...new Set(await stored())].sort()).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
  });

  test("refuses events that have no JSON form, and stores the others", async () => {
    await using sink = await open();
    const damaged: EncodedEvent = { ...events("bad")[0]!, bytes: Uint8Array.of(0x0a, 1, 0x10) };
    const writing = sink.write([...events(1), damaged, ...events(2)]);
    const error: unknown = await writing.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RefusedEventsError);
    expect((error as RefusedEventsError).refused.map(({ event }) => event)).toEqual([damaged]);
    expect(sink.stats).toEqual({ written: 2, refused: 1, failures: 0 });
    expect(await stored()).toEqual(["1", "2"]);
  });

  test("writes nothing for a signal that is aborted, and nothing after it was closed", async () => {
    const sink = await open();
    const reason = new Error("enough");
    await expect(sink.write(events(1), AbortSignal.abort(reason))).rejects.toBe(reason);
    await sink[Symbol.asyncDispose]();
    await sink[Symbol.asyncDispose]();
    await sink.flush();
    await expect(sink.write(events(1))).rejects.toThrow(TypeError);
    expect(await stored()).toEqual([]);
  });

  test("fails to open a folder", async () => {
    await expect(openFlowFile(folder)).rejects.toMatchObject({ code: "open_failed", path: folder });
  });

  test("a device that is full rejects each write", async () => {
    const sink = await openFlowFile("/dev/full");
    await expect(sink.write(events(1))).rejects.toMatchObject({
      code: "sink_failed",
      cause: { code: "ENOSPC" },
    });
    expect(sink.stats).toEqual({ written: 0, refused: 0, failures: 1 });
    await sink[Symbol.asyncDispose]();
  });
});

describeAsRoot("openFlowFile: a full disk", () => {
  describeUnless("of 64 KiB", whyNoDisk(), () => {
    test("the collector waits until there is space, and then nothing is missing", async () => {
      using full = tinyDisk();
      const ballast = join(full.path, "ballast");
      writeFileSync(ballast, new Uint8Array(56 * 1024));
      const file = join(full.path, "flows.jsonl");
      const clock = fakeClock();
      await using sink = await openFlowFile(file);
      let retries = 0;
      const flows = Array.from({ length: 30 }, (_, index) => flow({ uuid: String(index) }));
      const collection = collect(fromEvents(flows), {
        outputs: [{ name: "file", sink }],
        onReport: ({ kind }) => {
          if (kind === "retry") retries++;
        },
        clock,
      });
      await vi.waitFor(() => expect(retries).toBe(1));
      rmSync(ballast);
      await vi.waitFor(() => expect(clock.pending).toBe(1));
      clock.advance(60_000);
      expect(await collection.stopped).toMatchObject({ acknowledged: 30 });
      const lines = readFileSync(file, "utf8").trimEnd().split("\n");
      const uuids = lines.map((line) => (JSON.parse(line) as { flow: { uuid: string } }).flow.uuid);
      expect([...new Set(uuids)]).toEqual(flows.map(({ uuid }) => uuid));
    });
  });
});
