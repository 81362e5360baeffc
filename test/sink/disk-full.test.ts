import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { readdir, unlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { type RecordingStats, record } from "../../src/recorder/index.js";
import { fileSink } from "../../src/sink/file.js";
import { numbered, range, WANTED } from "../recorder/packets.js";
import { controlledSource } from "../recorder/sources.js";
import { everyNth, nth } from "../support/amount.js";
import { describeAsRoot, describeUnless } from "../support/shared.js";
import { tinyDisk, whyNoDisk } from "../support/tiny-disk.js";
import { decodeFile, onlyFile, temporaryFolder } from "./folder.js";
import type { LimitedOutcome } from "./limited-process.js";

const FORMATS = [
  { fileFormat: "pcap", batchLength: 1 },
  { fileFormat: "pcap", batchLength: 50 },
  { fileFormat: "pcapng", batchLength: 1 },
  { fileFormat: "pcapng", batchLength: 50 },
] as const;

/** What is left of a recording that filled its disk. */
async function expectWholeFile(
  path: string,
  message: string,
  systemText: string,
  { packetsCaptured, packetsLostInQueue }: RecordingStats,
  batchLength: number,
): Promise<void> {
  const { size } = statSync(path);
  expect(message).toContain(`write ${path}: ${systemText}`);
  expect(message).toContain(`; the file is cut back to its last whole record, ${size} bytes`);
  const { ids } = await decodeFile(path);
  expect(ids.length).toBeGreaterThan(100);
  expect(ids).toEqual(range(ids.length));
  // The batch in which it happened is lost by the counts, though its first packets are in the file.
  expect(packetsLostInQueue).toBe(batchLength);
  expect(ids.length).toBeGreaterThanOrEqual(packetsCaptured);
  expect(ids.length).toBeLessThan(packetsCaptured + batchLength);
}

const LIMIT_BLOCKS = 64;
const hasLimits =
  process.platform === "linux" && spawnSync("sh", ["-c", `ulimit -f ${LIMIT_BLOCKS}`]).status === 0;

describeUnless("a file that may not grow", hasLimits ? undefined : "no limits of file sizes here", () => {
  test.each(everyNth(4, FORMATS))(
    `$fileFormat, batches of $batchLength${nth(4)}`,
    async ({ fileFormat, batchLength }) => {
      await using folder = await temporaryFolder();
      const program = resolve(import.meta.dirname, "limited-process.ts");
      const { stdout, stderr } = spawnSync(
        "sh",
        [
          "-c",
          `ulimit -f ${LIMIT_BLOCKS} && exec "$@"`,
          "sh",
          process.execPath,
          ...["--import", "tsx", program, folder.path, fileFormat, String(batchLength)],
        ],
        // The limit is that of every file, and a cache must not be cut.
        { encoding: "utf8", env: { ...process.env, TSX_DISABLE_CACHE: "1", NODE_V8_COVERAGE: "" } },
      );
      expect(stderr).toBe("");
      const { code, cause, message, stats } = JSON.parse(stdout) as LimitedOutcome;
      expect({ code, cause }).toEqual({ code: "sink_failed", cause: "EFBIG" });
      await expectWholeFile(
        await onlyFile(folder.path),
        message,
        "EFBIG",
        stats as RecordingStats,
        batchLength,
      );
    },
  );
});

describeAsRoot("a full disk", () => {
  describeUnless("of 64 KiB", whyNoDisk(), () => {
    test.each(FORMATS)("$fileFormat, batches of $batchLength", async ({ fileFormat, batchLength }) => {
      using disk = tinyDisk();
      const source = controlledSource();
      const recording = record(source, WANTED, { sink: fileSink(disk.path, { fileFormat }) });
      for (let first = 0; first < 2000; first += batchLength) source.push(numbered(batchLength, first));
      const [outcome] = await Promise.allSettled([recording.stopped]);
      expect(outcome).toMatchObject({
        status: "rejected",
        reason: { code: "sink_failed", cause: { code: "ENOSPC" } },
      });
      let stats: RecordingStats | undefined;
      for await (const update of recording.updates) stats = update;
      const { message } = (outcome as PromiseRejectedResult).reason as Error;
      await expectWholeFile(
        await onlyFile(disk.path),
        message,
        "ENOSPC",
        stats as RecordingStats,
        batchLength,
      );
    });

    test("from the beginning: no file is left", async () => {
      using disk = tinyDisk();
      const filler = join(disk.path, "filler");
      await writeFile(filler, new Uint8Array(1 << 20)).catch(() => {});
      const recording = record(controlledSource(), WANTED, { sink: fileSink(disk.path) });
      await expect(recording.stopped).rejects.toMatchObject({
        code: "sink_failed",
        cause: { code: "ENOSPC" },
      });
      expect(await readdir(disk.path)).toEqual(["filler"]);
      await unlink(filler);
    });
  });
});

describeUnless("a device that is always full", existsSync("/dev/full") ? undefined : "no /dev/full", () => {
  test("is not a folder", async () => {
    const recording = record(controlledSource(), WANTED, { sink: fileSink("/dev/full") });
    await expect(recording.stopped).rejects.toMatchObject({
      code: "sink_failed",
      message: expect.stringMatching(/^failed to create storage path directory: /),
    });
  });
});
