import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinHostPort, joinPath } from "../../src/go/join.js";

describe("joinPath", () => {
  // The results of Go's `path.Join`.
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
  ])("joins %j and %j to %j", (directory, name, expected) => {
    expect(joinPath(directory, name)).toBe(expected);
  });

  test("is idempotent", () => {
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
])("joinHostPort: joins host %j and port %s to %s", (host, port, expected) => {
  expect(joinHostPort(host, port)).toBe(expected);
});
