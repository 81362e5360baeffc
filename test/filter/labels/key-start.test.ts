import fc from "fast-check";
import { expect, test } from "vitest";
import { isReserved, keyStart, ODD } from "../../../src/filter/labels/key-start.js";
import { parseLabel } from "../../../src/filter/labels/label.js";

const label = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom("$", ":", "=", ".", "a", "app", "k8s:", "reserved", "reserved.", "reserved:", "é"),
    maxLength: 8,
  }),
);

test("keyStart: finds the same key and source as parseLabel, except in odd labels", () => {
  fc.assert(
    fc.property(label, (text) => {
      const start = keyStart(text);
      const { source, key, value } = parseLabel(text);
      if (start === ODD) {
        expect(key === "" || source === "reserved").toBe(true);
        return;
      }
      const equals = text.indexOf("=", start);
      expect(text.slice(start, equals < 0 ? undefined : equals)).toBe(key);
      expect(equals < 0 ? "" : text.slice(equals + 1)).toBe(value);
      expect(isReserved(text, start)).toBe(source === "reserved");
    }),
    { numRuns: 3000 },
  );
});
