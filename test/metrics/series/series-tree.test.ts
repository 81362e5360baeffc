import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_LABEL_LENGTH } from "../../../src/metrics/series/label-values.js";
import { type Labels, SeriesTree } from "../../../src/metrics/series/series-tree.js";

interface Counted {
  readonly labels: Labels;
  value: number;
}

const treeOf = (labelNames: readonly string[], maxSeries = 1000) =>
  new SeriesTree<Counted>({ labelNames, maxSeries, create: (labels) => ({ labels, value: 0 }) });

const add = (tree: SeriesTree<Counted>, ...values: (string | number)[]) => {
  const series = tree.get(values);
  if (series !== undefined) series.value++;
  return series;
};

describe("SeriesTree", () => {
  const value = fc.oneof(
    fc.constantFrom("", "a", "b", "a:b", ",", "a,b:c", "constructor"),
    fc.integer({ min: 0, max: 3 }),
  );

  test("counts as a map of tuples, also after removals", () => {
    const command = fc.record({
      values: fc.tuple(value, value, value),
      removes: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const tree = treeOf(["x", "y", "z"]);
        const expected = new Map<string, number>();
        for (const { values, removes } of commands) {
          const key = JSON.stringify(values);
          if (removes === 0) {
            tree.removeWhere(([first]) => first === values[0]);
            for (const other of expected.keys())
              if (JSON.parse(other)[0] === values[0]) expected.delete(other);
          } else {
            add(tree, ...values);
            expected.set(key, (expected.get(key) ?? 0) + 1);
          }
        }
        expect(tree.size).toBe(expected.size);
        expect(Array.from(tree.series(), (series) => series.value)).toEqual([...expected.values()]);
      }),
    );
  });

  test("names the labels, numbers as text", () => {
    expect(add(treeOf(["protocol", "port"]), "TCP", 80)?.labels).toEqual({ protocol: "TCP", port: "80" });
  });

  test("values that joined text would confuse have series of their own", () => {
    const tree = treeOf(["x", "y"]);
    add(tree, "a,y:b", "c");
    add(tree, "a", "b,y:c");
    expect(tree.size).toBe(2);
  });

  test("is full at maxSeries; series that exist still count", () => {
    const tree = treeOf(["x"], 2);
    for (const x of ["a", "b", "c", "a"]) add(tree, x);
    expect(Array.from(tree.series(), ({ labels, value }) => [labels.x, value])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    tree.removeWhere(([x]) => x === "b");
    expect(add(tree, "c")).toBeDefined();
  });

  test.each([
    [
      "long values are cut",
      `${"x".repeat(MAX_LABEL_LENGTH)}a`,
      `${"x".repeat(MAX_LABEL_LENGTH)}b`,
      `${"x".repeat(MAX_LABEL_LENGTH)}…`,
    ],
    ["surrogates without partner are replaced", "a\ud800", "a\udfff", "a\ufffd"],
  ])("%s; what is printed alike is one series", (_, first, second, printed) => {
    const tree = treeOf(["x"]);
    expect(add(tree, first)).toBe(add(tree, second));
    expect(add(tree, first)?.labels).toEqual({ x: printed });
    expect(tree.size).toBe(1);
  });

  test("surrogate pairs stay", () => {
    expect(add(treeOf(["x"]), "😀")?.labels).toEqual({ x: "😀" });
  });

  test("clear removes all series", () => {
    const tree = treeOf(["x", "y"]);
    add(tree, "a", "b");
    tree.clear();
    expect([tree.size, add(tree, "a", "b")?.value]).toEqual([0, 1]);
  });
});
