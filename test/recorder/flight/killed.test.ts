import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";
import { openCaptureFile } from "../../../src/source/file.js";
import { repository } from "../../support/run.js";
import { idsOf } from "../packets.js";

const folder = mkdtempSync(join(tmpdir(), "flowscribe-killed-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The packets of a file, up to where it breaks off. */
async function readIds(path: string): Promise<number[]> {
  const ids: number[] = [];
  await using source = await openCaptureFile(path);
  try {
    for await (const batch of source) ids.push(...idsOf(batch));
  } catch (error) {
    expect(error).toMatchObject({ code: "truncated_capture" });
  }
  return ids;
}

describe("createFlightRecorder: killed while it writes", () => {
  test.each([3, 17, 40])(
    "leaves files with every packet that was written (after %i writes)",
    async (writes) => {
      const own = mkdtempSync(join(folder, "run-"));
      const program = join(repository, "test/recorder/flight/endless.ts");
      const child = spawn(process.execPath, ["--import", "tsx", program, own], {
        cwd: repository,
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = once(child, "close");
      /** By file: the last packet that was written. */
      const written = new Map<string, number>();
      let count = 0;
      for await (const line of createInterface(child.stdout)) {
        const [path = "", id] = line.split(" ");
        written.set(path, Number(id));
        if (++count === writes) child.kill("SIGKILL");
      }
      await closed;
      expect(child.signalCode).toBe("SIGKILL");
      let last = Number.NEGATIVE_INFINITY;
      for (const [path, lastId] of written) {
        const ids = await readIds(path);
        // Without a gap, and at least up to the last one that was reported.
        expect(ids).toEqual(ids.map((_, index) => ids[0]! + index));
        expect(ids.at(-1)).toBeGreaterThanOrEqual(lastId);
        expect(ids[0]).toBeGreaterThan(last);
        last = ids.at(-1)!;
      }
    },
  );
});
