import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createCelEngine } from "../../../src/filter/index.js";
import {
  decodeExportBatches,
  encodeExportLine,
  parseFlowFlags,
  selectFlows,
} from "../../../src/observer/index.js";
import { everyNth, nth } from "../../support/amount.js";
import { describeWithShared, sharedPath } from "../../support/shared.js";

/** What the real command let through of a file. */
interface Row {
  readonly file: string;
  readonly args: readonly string[];
  readonly matched: number;
  /** The beginning of the SHA-256 of what it printed. */
  readonly hash: string;
}

/** No divisor of the number of flags, 49, nor of files, 7: each of them has a turn. */
const STEP = 5;

function readRows(): Row[] {
  const text = readFileSync(sharedPath("golden/observe-flags.tsv"), "utf8");
  const [, ...lines] = text.trimEnd().split("\n");
  return lines.map((line) => {
    const [file = "", args = "", matched = "", hash = ""] = line.split("\t");
    return { file, args: JSON.parse(args), matched: Number(matched), hash };
  });
}

describeWithShared("hubble observe v1.16.2 --input-file FILE -o jsonpb, with flags", () => {
  const rows = readRows();
  const cel = createCelEngine();

  async function observe({ file, args }: Row) {
    const input = readFileSync(sharedPath(`flows/${file}-flows.json`));
    const hash = createHash("sha256");
    let matched = 0;
    for await (const batch of selectFlows(decodeExportBatches(input), parseFlowFlags(args), { cel })) {
      matched += batch.length;
      for (const response of batch) hash.update(`${encodeExportLine(response)}\n`);
    }
    return { matched, hash: hash.digest("hex").slice(0, 16) };
  }

  test("all recorded answers are used", () => {
    expect(rows.length).toBe(343);
    expect(new Set(rows.map(({ args }) => JSON.stringify(args))).size).toBe(49);
    expect(rows.filter(({ matched }) => matched > 0).length).toBeGreaterThan(100);
  });

  test.each(everyNth(STEP, rows).map((row) => ({ name: `${row.file} ${row.args.join(" ")}`, row })))(
    `$name${nth(STEP)}`,
    async ({ row }) => {
      expect(await observe(row)).toEqual({ matched: row.matched, hash: row.hash });
    },
  );
});
