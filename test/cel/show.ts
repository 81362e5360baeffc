import type { Message } from "@bufbuild/protobuf";
import { formatDuration } from "../../src/cel/value/duration.js";
import { formatTimestamp } from "../../src/cel/value/timestamp.js";
import {
  CelDuration,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
} from "../../src/cel/value/value.js";

/** A value as an expression would write it, so that tables of values can be read; a message by its name. */
export function show(value: CelValue): string {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    const text = Object.is(value, -0) ? "-0" : String(value);
    return Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
  }
  if (value instanceof CelUint) return `${value.value}u`;
  if (value instanceof Uint8Array) return `b[${value.join(" ")}]`;
  if (value instanceof CelTimestamp) return formatTimestamp(value);
  if (value instanceof CelDuration) return formatDuration(value);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelMap)
    return `{${[...value].map(([key, content]) => `${show(key)}: ${show(content)}`).join(", ")}}`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  return (value as Message).$typeName;
}
