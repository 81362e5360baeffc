import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTable, splitCells } from "../../../src/observer/format/table.js";

/** Aligns lines by Go's description: a column block is a run of lines with a tab-terminated cell in that column. */
function naive(lines: readonly (readonly string[])[]): string {
  const widthOf = (text: string) => [...text].length;
  const has = (line: number, column: number) => (lines[line]?.length ?? 0) - 1 > column;
  return lines
    .map((cells, line) => {
      const padded = cells.map((cell, column) => {
        if (!has(line, column)) return cell;
        let from = line;
        while (has(from - 1, column)) from--;
        let width = 2;
        for (let at = from; has(at, column); at++) width = Math.max(width, widthOf(lines[at]![column]!) + 3);
        return cell + " ".repeat(width - widthOf(cell));
      });
      return `${padded.join("")}\n`;
    })
    .join("");
}

function layOut(lines: readonly (readonly string[])[]): string {
  const table = createTable();
  return lines.map((cells) => table.add(cells)).join("") + table.flush();
}

describe("createTable", () => {
  test.each([
    {
      name: "aligns all cells but the last",
      lines: [
        ["a", "bb", "c"],
        ["aaa", "b", ""],
      ],
      expected: "a     bb   c\naaa   b    \n",
    },
    {
      name: "reserves space for empty cells",
      lines: [
        ["", "x"],
        ["", "y"],
      ],
      expected: "   x\n   y\n",
    },
    {
      name: "realigns after a line without columns",
      lines: [["aaaa", "b"], ["c"], ["d", "e"]],
      expected: "aaaa   b\nc\nd   e\n",
    },
    {
      name: "counts code points",
      lines: [
        ["🐝🐝", "x"],
        ["üüü", "y"],
      ],
      expected: "🐝🐝    x\nüüü   y\n",
    },
    {
      name: "accepts any number of cells",
      lines: [
        ["a", "b", "c"],
        ["aa", "b"],
      ],
      expected: "a    b   c\naa   b\n",
    },
    { name: "returns an empty string without lines", lines: [], expected: "" },
  ])("$name", ({ lines, expected }) => {
    expect(layOut(lines)).toBe(expected);
    expect(naive(lines)).toBe(expected);
  });

  test("aligns columns as Go's description specifies", () => {
    const cell = fc.oneof(
      fc.constantFrom("", "a", "bb", "ccc", "dddddd"),
      fc.string({ unit: "grapheme", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 8 }), (lines) => {
        expect(layOut(lines)).toBe(naive(lines));
      }),
    );
  });

  test("flushes at its limit of lines and starts over", () => {
    const table = createTable({ characters: 1000, lines: 2 });
    expect(table.add(["aaaa", "b"])).toBe("");
    expect(table.add(["c", "d"])).toBe("aaaa   b\nc      d\n");
    expect(table.add(["e", "f"])).toBe("");
    expect(table.flush()).toBe("e   f\n");
    expect(table.flush()).toBe("");
  });

  test("never buffers more than its limit of characters and one line", () => {
    const table = createTable({ characters: 10_000, lines: 1e6 });
    let longest = 0;
    for (let line = 0; line < 1000; line++) {
      longest = Math.max(longest, table.add([line === 5 ? "x".repeat(900) : "x", "y"]).length);
    }
    expect(longest).toBeGreaterThan(5_000);
    expect(longest).toBeLessThan(12_000);
  });
});

test("splitCells: splits unescaped strings as tabwriter does", () => {
  expect(splitCells("a\tb\vc\nd\fe")).toEqual([
    { cells: ["a", "b", "c"], endsColumns: false },
    { cells: ["d"], endsColumns: true },
    { cells: ["e"], endsColumns: false },
  ]);
});
