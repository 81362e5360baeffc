import { expect, test } from "vitest";
import { joinLines } from "../../../src/observer/export/join-lines.js";

test.each([
  [[], ""],
  [["a"], "a\n"],
  [["", "bc", ""], "\nbc\n\n"],
])("joinLines: %j, each with a line feed", (lines, text) => {
  const bytes = joinLines(lines.map((line) => new TextEncoder().encode(line)));
  expect(new TextDecoder().decode(bytes)).toBe(text);
});
