import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitArguments } from "../../../src/cli/record/split-arguments.js";

describe("splitArguments", () => {
  test.each([
    { line: "", args: [] },
    { line: "  --verdict  DROPPED\t-n shop\n", args: ["--verdict", "DROPPED", "-n", "shop"] },
    {
      line: `--http-path '^/a b$' --label "app in (a, b)"`,
      args: ["--http-path", "^/a b$", "--label", "app in (a, b)"],
    },
    { line: `'' a''b "" `, args: ["", "ab", ""] },
    {
      line: String.raw`a\ b "c\"d" "e\f" 'g\h' \'`,
      args: ["a b", 'c"d', String.raw`e\f`, String.raw`g\h`, "'"],
    },
  ])("splits $line", ({ line, args }) => {
    expect(splitArguments(line)).toEqual({ value: args });
  });

  test.each([
    { line: "'a", fault: "a quotation mark ' that is not closed" },
    { line: 'a"', fault: 'a quotation mark " that is not closed' },
    { line: "a\\", fault: "a backslash at the end" },
  ])("rejects $line", ({ line, fault }) => {
    expect(splitArguments(line)).toEqual({ fault });
  });

  test("splits as a shell does", () => {
    const piece = fc.constantFrom("a", "-n", " ", "'", '"', "\\", "\t");
    const lines = fc
      .sample(fc.array(piece, { maxLength: 12 }), { numRuns: 200, seed: 1 })
      .map((pieces) => pieces.join(""));
    const splits = lines.flatMap((line) => {
      const split = splitArguments(line);
      return "value" in split ? [{ line, args: split.value }] : [];
    });
    const script = splits.map(({ line }) => `printf '%s\\0' ${line} ""; printf '\\n\\0'`).join("\n");
    const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" });
    const expected = splits.map(({ args }) => `${[...args, "", "\n"].join("\0")}\0`).join("");
    expect(printed).toBe(expected);
  });
});
