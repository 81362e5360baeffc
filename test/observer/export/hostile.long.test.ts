import { describe, expect, test } from "vitest";
import { decodeExport, MAX_LINE_BYTES } from "../../../src/observer/index.js";

const EVENT = '{"flow":{"uuid":"a"}}';

describe("decodeExport: hostile envelopes", () => {
  const mebibyte = (unit: string) => unit.repeat(Math.floor((MAX_LINE_BYTES - 100) / unit.length));
  test.each([
    { name: "a list of empty objects", text: `[${mebibyte("{},")}{}]`, bad: 1 },
    { name: "empty objects", text: mebibyte("{}"), bad: 1 },
    { name: "brackets", text: mebibyte("["), bad: 1 },
    { name: "lines of brackets", text: "[\n".repeat(50_000), bad: undefined },
    { name: "lines of objects in a list", text: `{"a":[\n${mebibyte("{},\n")}`, bad: 1 },
    { name: "NUL bytes between letters", text: mebibyte("a\0"), bad: 1 },
    { name: "unclosed messages", text: mebibyte(' msg="\\"'), bad: 1 },
    { name: "nested log records", text: `${'{"log":'.repeat(5000)}1${"}".repeat(5000)}`, bad: 1 },
    { name: "partial docker lines", text: mebibyte('{"log":"{","stream":"stdout"}\n'), bad: 1 },
    { name: "quotes and backslashes", text: `x {${mebibyte('\\"')}`, bad: 1 },
  ])(
    "reads or reports $name",
    async ({ text, bad }) => {
      const outcomes: string[] = [];
      const onBadLine = ({ message }: Error) => outcomes.push(message);
      for await (const { responseTypes } of decodeExport(`${text}\n${EVENT}`, { onBadLine })) {
        outcomes.push(responseTypes.case === "flow" ? responseTypes.value.uuid : "");
      }
      expect(outcomes).toContain("a");
      if (bad !== undefined) expect(outcomes).toHaveLength(bad + 1);
    },
    60_000,
  );
});
