import { goQuote } from "../go/strconv/quote.js";

/** Longest quoted part of a string, in UTF-16 code units. */
const MAX_QUOTED = 100;

/** Describes an invalid value in a few words, for messages. */
export function describeValue(value: unknown): string {
  if (typeof value === "string")
    return goQuote(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
