import { expect, test } from "vitest";
import { quoteFirstByte } from "../../../src/go/strconv/quote-byte.js";

test.each([
  ["x", "'x'"],
  ["'", "'\\''"],
  ['"', "'\"'"],
  ["\\", "'\\\\'"],
  ["\u0001", "'\\x01'"],
  ["é", "'Ã'"],
  ["€", "'â'"],
  ["😀", "'ð'"],
])("quoteFirstByte: quotes the first byte of %j", (character, quoted) => {
  expect(quoteFirstByte(character)).toBe(quoted);
});
