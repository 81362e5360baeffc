import fc from "fast-check";
import { expect, test } from "vitest";
import { compileOneOf } from "../../src/filter/one-of.js";

test.each([
  { kind: "texts", element: fc.string({ maxLength: 1 }) },
  { kind: "numbers", element: fc.integer({ min: -9, max: 9 }) },
  { kind: "big numbers", element: fc.bigInt({ min: 0n, max: 9n }) },
] as { kind: string; element: fc.Arbitrary<string | number | bigint> }[])(
  "compileOneOf: matches the listed values, with few and many $kind",
  ({ element }) => {
    fc.assert(
      fc.property(fc.array(element, { maxLength: 12 }), element, (values, value) => {
        expect(compileOneOf(values)(value)).toBe(values.includes(value));
        for (const listed of values) expect(compileOneOf(values)(listed)).toBe(true);
      }),
      { numRuns: 500 },
    );
  },
);

test.each([0, 1, 3, 10])("compileOneOf: ignores later changes of its %i values", (size) => {
  const values = Array.from({ length: size }, (_, index) => index);
  const isListed = compileOneOf(values);
  values.push(99);
  expect(isListed(99)).toBe(false);
});
