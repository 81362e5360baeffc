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

/** The flows of a file that the real command printed. */
interface Row {
  readonly file: string;
  readonly args: readonly string[];
  readonly matched: number;
  /** The beginning of the SHA-256 of its output. */
  readonly hash: string;
}

/** Coprime to the number of flags (49) and of files (7), so that the sample covers each of them. */
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

  test("all recorded results are used", () => {
    expect(rows.length).toBe(343);
    expect(new Set(rows.map(({ args }) => JSON.stringify(args))).size).toBe(49);
    expect(rows.filter(({ matched }) => matched > 0).length).toBeGreaterThan(100);
  });

  test.each(everyNth(STEP, rows).map((row) => ({ name: `${row.file} ${row.args.join(" ")}`, row })))(
    `selects the same flows: $name${nth(STEP)}`,
    async ({ row }) => {
      expect(await observe(row)).toEqual({ matched: row.matched, hash: row.hash });
    },
  );
});
