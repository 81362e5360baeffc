import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
// The worker is found beside the bundled function, which `npm test` builds first.
import { filterFiles } from "../../dist/source/export.js";

const LINE = '{"flow":{"verdict":"DROPPED","uuid":"1"},"node_name":"n"}\n';

test("filterFiles: yields matching lines in order, across parts", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flowscribe-"));
  try {
    const path = join(folder, "events.log");
    const other = LINE.replace("DROPPED", "FORWARDED");
    writeFileSync(path, `${LINE}${other}`.repeat(90_000));
    const files = filterFiles([path], { allow: [{ verdict: ["DROPPED"] }] }, { workers: 2 });
    let bytes = 0;
    for await (const chunk of files) bytes += chunk.length;
    expect(files.stats).toMatchObject({ files: 1, matched: 90_000, badLines: 0 });
    expect(bytes).toBe(90_000 * LINE.length);
    expect(() => files[Symbol.asyncIterator]()).toThrow("filtered files can be read only once");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
