import { rmSync, truncateSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeExportLine } from "../../../src/observer/index.js";
import type { ExportFileReport } from "../../../src/source/export.js";
import { flow } from "../../../src/testing/index.js";
import { runs } from "../../support/amount.js";
import { type Reading, readExport } from "./collecting.js";
import { ExportWriter, type Scheme } from "./writer.js";

/** A file as the oracle knows it: the numbers of its lines. */
interface ModelFile {
  readonly lines: number[];
  /** Whether it is a copy. The loss of lines that were copied before they were read cannot be noticed. */
  readonly isCopy: boolean;
}

/** Writes to a file, and knows every line that was ever written. */
class Model {
  readonly #writer: ExportWriter;
  #next = 0;
  #current: ModelFile = { lines: [], isCopy: false };
  #backups: ModelFile[] = [];
  /** The rest of a line that is written in part. */
  #rest = "";
  /** Lines of files that were removed. */
  readonly removed = new Set<number>();
  /** Those of them whose loss is reported if lines before them were read. */
  readonly noticeable = new Set<number>();

  constructor(folder: string, scheme: Scheme) {
    this.#writer = new ExportWriter(folder, scheme);
    this.#writer.appendText("");
  }

  get path(): string {
    return this.#writer.path;
  }

  /** The numbers of all lines, in order. */
  get written(): number[] {
    return Array.from({ length: this.#next }, (_, number) => number);
  }

  append(count: number, bytes: number): void {
    this.finishLine();
    for (let line = 0; line < count; line++) this.#writer.appendText(`${this.#line(bytes)}\n`);
  }

  appendPart(): void {
    this.finishLine();
    const line = this.#line(0);
    this.#writer.appendText(line.slice(0, 30));
    this.#rest = `${line.slice(30)}\n`;
  }

  finishLine(): void {
    if (this.#rest !== "") this.#writer.appendText(this.#rest);
    this.#rest = "";
  }

  rotate(): void {
    this.finishLine();
    this.#writer.rotate();
    this.#backups.push(this.#current);
    this.#current = { lines: [], isCopy: false };
  }

  copyAndTruncate(): void {
    this.finishLine();
    this.#writer.copyAndTruncate();
    this.#backups.push({ ...this.#current, isCopy: true });
    this.#current = { lines: [], isCopy: false };
  }

  truncate(): void {
    this.finishLine();
    truncateSync(this.path);
    for (const line of this.#current.lines) this.removed.add(line);
    this.#current = { lines: [], isCopy: false };
  }

  compress(): void {
    this.#writer.compress();
  }

  removeOldest(): void {
    const oldest = this.#backups.shift();
    if (oldest === undefined) return;
    this.#writer.removeOldest();
    for (const line of oldest.lines) {
      this.removed.add(line);
      if (!oldest.isCopy) this.noticeable.add(line);
    }
  }

  #line(bytes: number): string {
    const number = this.#next++;
    this.#current.lines.push(number);
    return encodeExportLine(flow({ uuid: String(number), nodeName: "n".repeat(bytes) }));
  }
}

const OPERATIONS = {
  append: (model: Model) => model.append(3, 0),
  appendLarge: (model: Model) => model.append(4, 100_000),
  appendPart: (model: Model) => model.appendPart(),
  finishLine: (model: Model) => model.finishLine(),
  rotate: (model: Model) => model.rotate(),
  copyAndTruncate: (model: Model) => model.copyAndTruncate(),
  truncate: (model: Model) => model.truncate(),
  compress: (model: Model) => model.compress(),
  removeOldest: (model: Model) => model.removeOldest(),
};

type Step = keyof typeof OPERATIONS | "poll" | "crash" | "hold";

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Step>("append", "poll") },
  { weight: 3, arbitrary: fc.constantFrom<Step>("rotate", "crash") },
  { weight: 1, arbitrary: fc.constantFrom<Step>(...(Object.keys(OPERATIONS) as Step[]), "hold") },
);

async function collectAll(model: Model, steps: readonly Step[]) {
  const collected: string[] = [];
  const reports: ExportFileReport[] = [];
  let reading: Reading = readExport(model.path, { follow: true });
  async function restart(): Promise<void> {
    const position = await reading.stop();
    collected.push(...reading.uuids);
    reports.push(...reading.reports);
    // Before the first acknowledgement, there is no checkpoint.
    const isNew = (position as { offset: number }).offset === 0 && collected.length === 0;
    reading = readExport(model.path, { follow: true }, isNew ? undefined : position);
  }
  try {
    for (const one of steps) {
      if (one === "poll") await reading.poll();
      else if (one === "hold") reading.hold();
      else if (one === "crash") await restart();
      else OPERATIONS[one](model);
    }
    model.finishLine();
    // Ends what is held, too.
    await restart();
    for (let file = 0; file <= steps.length; file++) await reading.poll();
  } finally {
    await restart();
    await reading.stop();
  }
  return { collected: collected.map(Number), reports };
}

describe("exportFileSource: any sequence of writing, rotation, loss and crashes", () => {
  test.each<Scheme>(["timed", "numbered"])(
    "%s: every line once and in order, unless its file was removed, which is reported",
    async (scheme) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const folder = await mkdtemp(join(tmpdir(), "flowscribe-rotation-"));
          try {
            const model = new Model(folder, scheme);
            const { collected, reports } = await collectAll(model, steps);
            const inOrder = [...new Set(collected)].sort((a, b) => a - b);
            expect(collected).toEqual(inOrder);
            const missing = model.written.filter((line) => !collected.includes(line));
            expect(missing.filter((line) => !model.removed.has(line))).toEqual([]);
            const kinds = reports.map(({ kind }) => kind);
            expect(kinds).not.toContain("damaged");
            const [first = Number.POSITIVE_INFINITY] = collected;
            if (missing.some((line) => line > first && model.noticeable.has(line)))
              expect(kinds).toContain("gap");
          } finally {
            rmSync(folder, { recursive: true });
          }
        }),
        { numRuns: runs(1000) },
      );
    },
    600_000,
  );
});
