import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinHostPort, joinPath } from "../../src/go/join.js";

describe("a path is joined as Go joins it", () => {
  // What `path.Join` gives.
  test.each([
    ["ns", "pod", "ns/pod"],
    ["", "pod", "pod"],
    ["a/b", "c", "a/b/c"],
    ["a", "..", "."],
    ["a", "../..", ".."],
    ["a", "../../x", "../x"],
    ["a", "./b", "a/b"],
    ["a", "b/", "a/b"],
    ["a//b", "c", "a/b/c"],
    ["", "/", "/"],
    ["", "/..", "/"],
    ["", "/../a", "/a"],
    ["/", "a", "/a"],
    ["", ".", "."],
    ["a", "..b", "a/..b"],
    ["a", "b..", "a/b.."],
    ["a", "...", "a/..."],
    ["..", "..", "../.."],
  ])("%j and %j: %j", (directory, name, expected) => {
    expect(joinPath(directory, name)).toBe(expected);
  });

  test("joining again changes nothing", () => {
    const part = fc.array(fc.constantFrom("a", "b", ".", "..", "")).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(
        part,
        part.map((text) => text || "x"),
        (directory, name) => {
          const joined = joinPath(directory, name);
          expect(joinPath("", joined)).toBe(joined);
          expect(joined).not.toBe("");
        },
      ),
    );
  });
});

test.each([
  ["10.0.0.1", "80", "10.0.0.1:80"],
  ["::1", "80", "[::1]:80"],
  ["ns/pod:x", "53", "[ns/pod:x]:53"],
  ["", "1", ":1"],
])("host %j with port %s: %s", (host, port, expected) => {
  expect(joinHostPort(host, port)).toBe(expected);
});
