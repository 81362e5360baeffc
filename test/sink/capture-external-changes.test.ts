import {
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FlowscribeError } from "../../src/errors/errors.js";
import { type OpenSink, type Recording, record } from "../../src/recorder/index.js";
import { fileSink, namedFileSink } from "../../src/sink/file.js";
import { numbered, range, WANTED } from "../recorder/packets.js";
import { controlledSource, settle } from "../recorder/sources.js";
import { fakeClock } from "../support/fake-clock.js";
import { decodeFile, openFilesIn, temporaryFolder } from "./folder.js";

const sinks: readonly { name: string; open: (folder: string) => OpenSink }[] = [
  { name: "fileSink", open: (folder) => fileSink(folder) },
  { name: "fileSink (pcapng)", open: (folder) => fileSink(folder, { fileFormat: "pcapng" }) },
  { name: "namedFileSink", open: (folder) => namedFileSink(join(folder, "trace.pcap")) },
  {
    name: "namedFileSink (rotation)",
    open: (folder) =>
      namedFileSink(join(folder, "trace.pcap"), { rotation: { maxBytes: 1e6, ringFiles: 3 } }),
  },
];

const changes: readonly {
  name: string;
  change: (path: string, folder: string) => void;
  message: string;
  /** Noticed between two writes; the others only at the end, because nothing of what was written is lost. */
  isLoss: boolean;
}[] = [
  { name: "removed", change: unlinkSync, message: "was removed while it was written", isLoss: true },
  {
    name: "removed with its folder",
    change: (_, folder) => rmSync(folder, { recursive: true }),
    message: "was removed while it was written",
    isLoss: true,
  },
  {
    name: "truncated",
    change: (path) => truncateSync(path),
    message: "was truncated by another program",
    isLoss: true,
  },
  {
    name: "renamed",
    change: (path) => renameSync(path, `${path}.old`),
    message: "was renamed or replaced",
    isLoss: false,
  },
  {
    name: "renamed and replaced",
    change: (path) => {
      renameSync(path, `${path}.old`);
      writeFileSync(path, "something else");
    },
    message: "was renamed or replaced",
    isLoss: false,
  },
];

/** Resolves when so many packets have been written. */
async function captured(recording: Recording, packets: number): Promise<void> {
  for await (const { packetsCaptured } of recording.updates) if (packetsCaptured >= packets) return;
}

const cases = sinks.flatMap((sink) =>
  changes.map((change) => ({ ...change, sink: sink.name, open: sink.open })),
);

describe("fileSink: a recording whose file is", () => {
  test.each(cases)("$name fails at its end with a message ($sink)", async ({ change, message, open }) => {
    await using folder = await temporaryFolder();
    const source = controlledSource();
    const recording = record(source, WANTED, { sink: open(folder.path), clock: fakeClock() });
    source.push(numbered(5));
    await captured(recording, 5);
    change(recording.filePath!, folder.path);
    recording.stop();
    source.end();
    const error = await recording.stopped.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(FlowscribeError);
    expect(error).toMatchObject({ code: "sink_failed" });
    expect(String(error)).toContain(`${recording.filePath} ${message}`);
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test.each(cases)(
    "$name continues only if its packets are kept ($sink)",
    async ({ change, isLoss, open }) => {
      await using folder = await temporaryFolder();
      const source = controlledSource();
      const clock = fakeClock();
      const recording = record(source, WANTED, { sink: open(folder.path), clock });
      source.push(numbered(5));
      await captured(recording, 5);
      const path = recording.filePath!;
      change(path, folder.path);
      source.push(numbered(5, 5));
      await captured(recording, 10);
      clock.advance(1000);
      source.push(numbered(5, 10));
      await settle();
      let failed = false;
      recording.stopped.catch(() => {
        failed = true;
      });
      await settle();
      expect(failed).toBe(isLoss);
      source.end();
      await recording.stopped.catch(() => {});
      if (!isLoss) expect((await decodeFile(`${path}.old`)).ids).toEqual(range(15));
    },
  );
});

test("fileSink: creates the folder again for the next recording", async () => {
  await using folder = await temporaryFolder();
  const sink = fileSink(join(folder.path, "pcaps"));
  for (const _ of [1, 2]) {
    const source = controlledSource();
    const recording = record(source, WANTED, { sink, clock: fakeClock() });
    source.push(numbered(5));
    source.end();
    const { filePath } = await recording.stopped;
    expect((await decodeFile(filePath!)).ids).toHaveLength(5);
    rmSync(join(folder.path, "pcaps"), { recursive: true });
  }
});

test("namedFileSink: writes through a symbolic link", async () => {
  await using folder = await temporaryFolder();
  writeFileSync(join(folder.path, "target.pcap"), "");
  symlinkSync("target.pcap", join(folder.path, "trace.pcap"));
  const source = controlledSource();
  const sink = namedFileSink(join(folder.path, "trace.pcap"), { overwrite: true });
  const recording = record(source, WANTED, { sink, clock: fakeClock() });
  source.push(numbered(5));
  source.end();
  await recording.stopped;
  expect(await readdir(folder.path)).toEqual(["target.pcap", "trace.pcap"]);
  expect(readFileSync(join(folder.path, "target.pcap")).length).toBeGreaterThan(24);
});
