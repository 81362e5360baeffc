import fc from "fast-check";
import { expect, test } from "vitest";
import { issuesText } from "../../src/recorder/service/issues-text.js";

test.each([
  { name: "of one issue is its message", issues: [["include[0]", "bad"]], text: "bad" },
  {
    name: "of two issues has their paths",
    issues: [
      ["a", "bad"],
      ["b", "worse"],
    ],
    text: "a: bad; b: worse",
  },
])("issuesText: $name", ({ issues, text }) => {
  expect(issuesText(issues.map(([path = "", message = ""]) => ({ path, message })))).toBe(text);
});

test("issuesText: names the first issues and counts the others", () => {
  const issue = fc.record({ path: fc.string({ maxLength: 50 }), message: fc.string({ maxLength: 2000 }) });
  fc.assert(
    fc.property(fc.array(issue, { minLength: 2, maxLength: 50 }), (issues) => {
      const text = issuesText(issues);
      const texts = issues.map(({ path, message }) => `${path}: ${message}`);
      expect(text.length).toBeLessThan(3100);
      const shown = texts.findIndex((_, index) => `${texts.slice(0, index + 1).join("; ")}` === text);
      if (shown === texts.length - 1) return;
      const count = Array.from(texts.keys()).find(
        (index) => text === `${texts.slice(0, index).join("; ")}; and ${texts.length - index} more`,
      );
      expect(count).toBeGreaterThan(0);
    }),
  );
});
