import { type DescMessage, fromJson } from "@bufbuild/protobuf";
import { FieldMaskSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { DURATION } from "./duration.js";
import type { JsonStringForm } from "./type.js";

/**
 * The JSON form of a message that is a string in JSON; undefined for other types. A function, because bundlers would keep
 * a table, and with it the JSON reader, in programs that do not use it.
 */
export function jsonStringOf(typeName: string): JsonStringForm | undefined {
  switch (typeName) {
    case "google.protobuf.Duration":
      return DURATION.json;
    case "google.protobuf.Timestamp":
      return {
        expected: 'a time, such as "2026-11-22T12:00:00Z"',
        parse: (text) => parse(TimestampSchema, text),
      };
    case "google.protobuf.FieldMask":
      return {
        expected: 'field paths, such as "verdict,source.podName"',
        parse: (text) => parse(FieldMaskSchema, text),
      };
    default:
      return undefined;
  }
}

/** Undefined if the string is not valid. */
function parse(schema: DescMessage, text: string): object | undefined {
  try {
    return fromJson(schema, text);
  } catch {
    return undefined;
  }
}
