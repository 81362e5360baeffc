import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeExportLine } from "../../../src/observer/index.js";
import { repairLastLine } from "../../../src/sink/export/torn-line.js";
import { flow } from "../../../src/testing/index.js";

let folder = "";
let path = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "flowscribe-torn-"));
  path = join(folder, "flows.jsonl");
});

afterEach(() => rmSync(folder, { recursive: true }));

const WHOLE = `${encodeExportLine(flow({ uuid: "1" }))}\n`;
const LAST = encodeExportLine(flow({ uuid: "2", from: "shop/cart", to: "10.0.0.1:53" }));

describe("repairLastLine", () => {
  test("cuts off a part of a line of every length", () => {
    for (let length = 1; length < LAST.length; length++) {
      writeFileSync(path, WHOLE + LAST.slice(0, length));
      expect(repairLastLine(path)).toBe(length);
      expect(readFileSync(path, "utf8")).toBe(WHOLE);
    }
  });

  test("adds the line feed to a whole event", () => {
    writeFileSync(path, WHOLE + LAST);
    expect(repairLastLine(path)).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(`${WHOLE}${LAST}\n`);
  });

  test("is done once: the second time, there is nothing to repair", () => {
    writeFileSync(path, WHOLE + LAST.slice(0, 10));
    repairLastLine(path);
    expect(repairLastLine(path)).toBe(0);
    expect(readFileSync(path, "utf8")).toBe(WHOLE);
  });

  test.each([
    ["the first line is torn", LAST.slice(0, -1), LAST.length - 1, ""],
    ["only the first line, whole", LAST, 0, `${LAST}\n`],
    ["an empty file", "", 0, ""],
    ["lines that are whole", WHOLE + WHOLE, 0, WHOLE + WHOLE],
    ["an empty last line", `${WHOLE}\n`, 0, `${WHOLE}\n`],
    ["bytes that a crash of the machine left as zeros", `${WHOLE}\0\0\0`, 3, WHOLE],
    ["other lines before", `no event\n${LAST.slice(0, 5)}`, 5, "no event\n"],
  ])("%s", (_, before, cut, after) => {
    writeFileSync(path, before);
    expect(repairLastLine(path)).toBe(cut);
    expect(readFileSync(path, "utf8")).toBe(after);
  });

  test("finds the start of a torn line over several reads", () => {
    const torn = LAST.slice(0, 20) + "x".repeat(200_000);
    writeFileSync(path, WHOLE + torn);
    expect(repairLastLine(path)).toBe(torn.length);
    expect(readFileSync(path, "utf8")).toBe(WHOLE);
  });

  test("leaves a missing file and what is not a regular file alone", () => {
    expect(repairLastLine(path)).toBe(0);
    expect(repairLastLine("/dev/null")).toBe(0);
  });

  test("throws the error of the system", () => {
    mkdirSync(path);
    expect(() => repairLastLine(path)).toThrow(expect.objectContaining({ code: "EISDIR" }));
  });

  test("keeps the permissions of the file", () => {
    writeFileSync(path, WHOLE + LAST.slice(0, 5));
    chmodSync(path, 0o640);
    repairLastLine(path);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });
});
