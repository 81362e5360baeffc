import { type DescMessage, fromJson } from "@bufbuild/protobuf";
import { FieldMaskSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { DURATION } from "./duration.js";
import type { JsonStringForm } from "./type.js";

/** The messages whose JSON form is a string, by the name of their type. */
export const JSON_STRINGS: Readonly<Record<string, JsonStringForm | undefined>> = {
  "google.protobuf.Duration": DURATION.json,
  "google.protobuf.Timestamp": {
    expected: 'a time, such as "2026-11-22T12:00:00Z"',
    parse: (text) => parse(TimestampSchema, text),
  },
  "google.protobuf.FieldMask": {
    expected: 'field paths, such as "verdict,source.podName"',
    parse: (text) => parse(FieldMaskSchema, text),
  },
};

/** Undefined if the string is not valid. */
function parse(schema: DescMessage, text: string): object | undefined {
  try {
    return fromJson(schema, text);
  } catch {
    return undefined;
  }
}
