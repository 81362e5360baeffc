import type { Result } from "../result.js";
import { goQuote } from "./quote.js";

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/** Go's `strconv.ParseBool`. The fault has Go's text. */
export function parseBool(text: string): Result<boolean> {
  const value = BOOLEANS.get(text);
  if (value !== undefined) return { value };
  return { fault: `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax` };
}
