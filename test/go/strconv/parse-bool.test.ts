import { expect, test } from "vitest";
import { parseBool } from "../../../src/go/strconv/parse-bool.js";

test.each([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => ({ text, value: true })),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => ({ text, value: false })),
])("parseBool: parses $text", ({ text, value }) => {
  expect(parseBool(text)).toEqual({ value });
});

test.each(["", "yes", "tRUE", " true"])("parseBool: rejects %j", (text) => {
  const fault = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  expect(parseBool(text)).toEqual({ fault });
});
