import { ScalarType } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { compareText } from "../../go/compare.js";
import type { JsonBuffer } from "./buffer.js";
import { quote } from "./quote.js";

/** Returns the writer for values of a scalar type. 64-bit integers and bytes are written as strings. */
export function scalarWriter(type: ScalarType): (out: JsonBuffer, value: unknown) => void {
  switch (type) {
    case ScalarType.STRING:
      return (out, value) => out.text(value as string);
    case ScalarType.BOOL:
      return (out, value) => out.raw(value === true ? "true" : "false");
    case ScalarType.BYTES:
      return (out, value) => out.raw(`"${base64Encode(value as Uint8Array)}"`);
    case ScalarType.DOUBLE:
      return (out, value) => out.raw(formatFloat(value as number, String));
    case ScalarType.FLOAT:
      return (out, value) => out.raw(formatFloat(value as number, shortestFloat));
    case ScalarType.UINT64:
    case ScalarType.INT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
    case ScalarType.SINT64:
      return (out, value) => out.text(String(value));
    default:
      return (out, value) => {
        if (typeof value === "number" && value >>> 0 === value) out.uint(value);
        else out.raw(String(value));
      };
  }
}

function formatFloat(value: number, format: (finite: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : format(value);
}

/** Formats with the fewest digits that parse to the same 32-bit float. */
function shortestFloat(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(Number(value.toPrecision(9)));
}

/** Formats a JSON value as Go does: keys sorted, HTML escaped. */
export function writeJson(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return formatFloat(value, String);
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  const members = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(members).sort(compareText);
  return `{${keys.map((name) => `${quote(name)}:${writeJson(members[name])}`).join(",")}}`;
}
