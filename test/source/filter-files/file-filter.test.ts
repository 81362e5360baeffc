import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { create, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FilterError } from "../../../src/errors/errors.js";
import { ExportEventSchema } from "../../../src/gen/observer/observer_pb.js";
import { type ExportError, encodeExportLine, filterExport } from "../../../src/observer/index.js";
import { FileFilter } from "../../../src/source/filter-files/file-filter.js";
import type { FilterFilesOptions } from "../../../src/source/filter-files/options.js";
import { flow } from "../../../src/testing/index.js";
import { amount } from "../../support/amount.js";
import { PATIENCE } from "../../support/patience.js";
import { repository } from "../../support/run.js";

/** Workers run bundled code, which `npm test` builds first. */
const WORKER = pathToFileURL(join(repository, "dist/workers/filter-export.js"));

const FILTERS = { allow: [{ sourcePod: ["shop/a"] }] };
const MATCHING = encodeExportLine(flow({ from: "shop/a", to: "shop/c:80" }));
const OTHER = encodeExportLine(flow({ from: "shop/b", Summary: 'a "quoted" text' }));
const LOST = JSON.stringify(
  toJson(
    ExportEventSchema,
    create(ExportEventSchema, { responseTypes: { case: "lostEvents", value: { numEventsLost: 3n } } }),
  ),
);
const CONTAINER = JSON.stringify({ log: `${MATCHING}\n`, stream: "stdout", time: "2026-01-01T00:00:00Z" });

/** Parts of files, from a line to a document on several lines. */
const PIECES: readonly string[] = [
  `${MATCHING}\n`,
  `${OTHER}\n`,
  `${MATCHING}\r\n`,
  `${LOST}\n`,
  "\n",
  "\r\n",
  "\0\0\0\n",
  `${CONTAINER}\n`,
  `${JSON.stringify(JSON.parse(MATCHING), undefined, 2)}\n`,
  `[\n${MATCHING},\n${MATCHING}\n]\n`,
  "not JSON\n",
  `{"flow":{"verdict":\n`,
  `${" ".repeat(3000)}${MATCHING}\n`,
];

let folder: string;
/** The writer of a named pipe. */
let writer: number | undefined;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-"));
});
afterAll(() => {
  if (writer !== undefined) closeSync(writer);
  rmSync(folder, { recursive: true });
});

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

interface Outcome {
  readonly lines: readonly string[];
  readonly badLines: readonly string[];
}

async function filtered(
  paths: readonly string[],
  options: FilterFilesOptions,
  partBytes: number,
): Promise<Outcome> {
  const badLines: string[] = [];
  const onBadLine = ({ message }: ExportError) => badLines.push(message);
  const files = new FileFilter(paths, FILTERS, { onBadLine, ...options }, { worker: WORKER, partBytes });
  const chunks: Uint8Array[] = [];
  for await (const chunk of files) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  expect(text === "" || text.endsWith("\n")).toBe(true);
  const lines = text.split("\n").slice(0, -1);
  const bytes = paths.reduce((sum, path) => sum + statSync(path).size, 0);
  expect(files.stats).toEqual({
    files: paths.length,
    bytes,
    matched: lines.length,
    badLines: badLines.length,
  });
  return { lines, badLines };
}

/** What one thread answers. */
async function expected(
  contents: readonly (string | Uint8Array)[],
  paths: readonly string[],
): Promise<Outcome> {
  const lines: string[] = [];
  const badLines: string[] = [];
  for (const [index, content] of contents.entries()) {
    const onBadLine = ({ message }: ExportError) => badLines.push(`${paths[index]}: ${message}`);
    for await (const line of filterExport(content, FILTERS, { onBadLine }))
      lines.push(Buffer.from(line).toString());
  }
  return { lines, badLines };
}

describe("FileFilter", () => {
  test(
    "yields the lines that one thread yields, with the same bad lines, for parts of any size",
    PATIENCE,
    async () => {
      const content = fc
        .record({
          mark: fc.constantFrom("", "\ufeff"),
          pieces: fc.array(
            fc.oneof(
              { weight: 4, arbitrary: fc.constantFrom(...PIECES.slice(0, 6)) },
              fc.constantFrom(...PIECES),
            ),
            { maxLength: 30 },
          ),
          end: fc.constantFrom("", MATCHING, OTHER, '{"flow'),
          compressed: fc.boolean(),
        })
        .map(({ mark, pieces, end, compressed }) => {
          const text = `${mark}${pieces.join("")}${end}`;
          return compressed ? gzipSync(text) : Buffer.from(text);
        });
      await fc.assert(
        fc.asyncProperty(
          fc.array(content, { minLength: 1, maxLength: 3 }),
          fc.integer({ min: 200, max: 4000 }),
          fc.integer({ min: 1, max: 3 }),
          async (contents, partBytes, workers) => {
            const paths = contents.map((bytes, index) => fileOf(`events-${index}.log`, bytes));
            expect(await filtered(paths, { workers }, partBytes)).toEqual(await expected(contents, paths));
          },
        ),
        { numRuns: amount({ quick: 12, long: 60 }) },
      );
    },
  );

  test("reads a plain file in parallel, and the same file twice", async () => {
    const path = fileOf("plain.log", `${OTHER}\n${MATCHING}\n`.repeat(2000));
    const { lines } = await filtered([path, path], { workers: 2 }, 10_000);
    expect(lines).toEqual(new Array(4000).fill(MATCHING));
  });

  test("yields all lines before a bad one, then throws with the path and the line", async () => {
    const path = fileOf("bad.log", `${`${MATCHING}\n`.repeat(500)}not JSON\n${MATCHING}\n`);
    const files = new FileFilter([path], FILTERS, { workers: 2 }, { worker: WORKER, partBytes: 5000 });
    let text = "";
    const reading = (async () => {
      for await (const chunk of files) text += Buffer.from(chunk).toString();
    })();
    await expect(reading).rejects.toMatchObject({
      name: "ExportError",
      code: "malformed_export",
      path,
      line: 501,
      message: expect.stringContaining(`${path}: line 501: not JSON`),
    });
    expect(text).toBe(`${MATCHING}\n`.repeat(500));
  });

  test("reports the faults of filters before anything is read", () => {
    const invalid = { allow: [{ sourcePort: ["x"] }] };
    expect(() => new FileFilter([], invalid, {}, { worker: WORKER })).toThrow(FilterError);
  });

  test("yields the lines of earlier files before a file that cannot be read", async () => {
    const path = fileOf("first.log", `${MATCHING}\n`);
    for (const missing of [join(folder, "missing.log"), folder]) {
      const files = new FileFilter([path, missing], FILTERS, {}, { worker: WORKER, partBytes: 5000 });
      const iterator = files[Symbol.asyncIterator]();
      expect(Buffer.from((await iterator.next()).value ?? []).toString()).toBe(`${MATCHING}\n`);
      await expect(iterator.next()).rejects.toMatchObject({ code: "open_failed", path: missing });
    }
  });

  test("rejects files that are not export lines, with the path", async () => {
    const path = fileOf(
      "capture.pcap",
      Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, ...new Array(16).fill(0)),
    );
    await expect(filtered([path], {}, 5000)).rejects.toMatchObject({
      code: "malformed_export",
      message: expect.stringContaining(`${path}: not export lines but`),
    });
    const damaged = fileOf("damaged.log.gz", gzipSync(MATCHING).subarray(0, 40));
    await expect(filtered([damaged], {}, 5000)).rejects.toMatchObject({
      code: "malformed_gzip",
      path: damaged,
    });
  });

  test("does not yield lines that are appended to a file after its turn has begun", async () => {
    const path = fileOf("growing.log", `${MATCHING}\n`.repeat(10));
    const files = new FileFilter([path], FILTERS, { workers: 1 }, { worker: WORKER, partBytes: 100_000 });
    const iterator = files[Symbol.asyncIterator]();
    const first = await iterator.next();
    appendFileSync(path, `${MATCHING}\n`);
    expect(Buffer.from(first.value ?? []).toString()).toBe(`${MATCHING}\n`.repeat(10));
    expect((await iterator.next()).done).toBe(true);
  });

  test.each([
    ["rotated", (path: string) => renameSync(path, `${path}.1`)],
    ["removed", (path: string) => rmSync(path)],
  ])("reads the rest of a file that is %s while it is read", PATIENCE, async (name, change) => {
    const path = fileOf(`${name}.log`, `${MATCHING}\n`.repeat(2000));
    const files = new FileFilter([path], FILTERS, { workers: 2 }, { worker: WORKER, partBytes: 20_000 });
    let lines = 0;
    for await (const chunk of files) {
      if (lines === 0) {
        change(path);
        writeFileSync(path, `${OTHER}\n`.repeat(3000));
      }
      lines += Buffer.from(chunk).toString().split("\n").length - 1;
    }
    expect(lines).toBe(2000);
    expect(files.stats.badLines).toBe(0);
  });

  test.each([
    ["a plain file", "", 20_000],
    ["a file that is read in order", `${CONTAINER}\n`, 20_000],
    ["a file of one part", "", 10_000_000],
  ])(
    "yields the lines before the end of %s that is truncated, then throws with the path and the offset",
    PATIENCE,
    async (name, head, partBytes) => {
      const path = fileOf(`truncated ${name}.log`, `${head}${`${MATCHING}\n`.repeat(5000)}`);
      const lines = Math.floor(statSync(path).size / (MATCHING.length + 1) / 2);
      const files = new FileFilter([path], FILTERS, { workers: 2 }, { worker: WORKER, partBytes });
      const iterator = files[Symbol.asyncIterator]();
      // The size is read at once, the lines when a worker has started.
      const first = iterator.next();
      const size = head.length + lines * (MATCHING.length + 1) + 20;
      truncateSync(path, size);
      let text = "";
      const reading = (async () => {
        for (let next = await first; next.done !== true; next = await iterator.next())
          text += Buffer.from(next.value).toString();
      })();
      await expect(reading).rejects.toMatchObject({
        name: "ExportError",
        code: "truncated_export",
        path,
        message: `${path}: truncated while it was read (at byte ${size})`,
      });
      expect(text).toBe(`${MATCHING}\n`.repeat(lines + (head === "" ? 0 : 1)));
    },
  );

  test.each(["1.16", "1.19"] as const)("applies the rules of Hubble %s in the workers", async (hubble) => {
    // Only for 1.16, an IPv4-mapped address is an IPv4 address.
    const mapped = encodeExportLine(
      flow({ from: "shop/a", to: "shop/c:80", IP: { source: "::ffff:10.0.0.1" } }),
    );
    const filters = { allow: [{ sourceIp: ["10.0.0.0/8"] }] };
    const path = fileOf(`version-${hubble}.log`, `${mapped}\n`);
    let text = "";
    for await (const chunk of new FileFilter([path], filters, { hubble }, { worker: WORKER }))
      text += Buffer.from(chunk).toString();
    expect(text).toBe(hubble === "1.16" ? `${mapped}\n` : "");
  });

  test("reports the faults of filters by the rules of the given version of Hubble", () => {
    const filters = { allow: [{ sourceLabel: ["app in (a,,)"] }] };
    expect(() => new FileFilter([], filters, { hubble: "1.19" }, { worker: WORKER })).not.toThrow();
    expect(() => new FileFilter([], filters, {}, { worker: WORKER })).toThrow(FilterError);
  });

  test.skipIf(process.platform === "win32")(
    "can be aborted while a named pipe has no writer",
    PATIENCE,
    async () => {
      const path = join(folder, "pipe");
      execFileSync("mkfifo", [path]);
      const controller = new AbortController();
      const files = new FileFilter([path], FILTERS, { signal: controller.signal }, { worker: WORKER });
      const reading = (async () => {
        for await (const _ of files);
      })();
      setImmediate(() => controller.abort(new Error("enough")));
      await expect(reading).rejects.toThrow("enough");
      // A thread that waits for a writer cannot end.
      writer = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    },
  );

  test("ends its workers when the iteration ends early, and with the reason of the signal", async () => {
    const path = fileOf("long.log", gzipSync(`${MATCHING}\n`.repeat(20_000)));
    for await (const _ of new FileFilter(
      [path, path],
      FILTERS,
      { workers: 2 },
      { worker: WORKER, partBytes: 5000 },
    ))
      break;
    const controller = new AbortController();
    const files = new FileFilter(
      [path, path],
      FILTERS,
      { workers: 2, signal: controller.signal },
      { worker: WORKER, partBytes: 5000 },
    );
    const iterator = files[Symbol.asyncIterator]();
    await iterator.next();
    controller.abort(new Error("enough"));
    await expect(
      (async () => {
        while ((await iterator.next()).done !== true);
      })(),
    ).rejects.toThrow("enough");
  });
});
