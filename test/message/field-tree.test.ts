import { describe, expect, test } from "vitest";
import { fieldTree } from "../../src/message/field-tree.js";

describe("fieldTree", () => {
  test.each([
    [[], {}],
    [["verdict"], { verdict: true }],
    [["source.labels", "source.identity"], { source: { labels: true, identity: true } }],
    [["l4.TCP.flags", "l4"], { l4: true }],
    [["l4", "l4.TCP.flags"], { l4: true }],
    [["__proto__.constructor"], JSON.parse('{"__proto__": {"constructor": true}}')],
  ])("joins the paths %j", (paths, tree) => {
    expect(JSON.parse(JSON.stringify(fieldTree(paths)))).toEqual(tree);
  });

  test("is true if a path names the whole message", () => {
    expect(fieldTree(["verdict", ""])).toBe(true);
  });
});
