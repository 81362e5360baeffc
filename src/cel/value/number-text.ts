import { parseBool as parseGoBool } from "../../go/strconv/parse-bool.js";
import { parseFloat64 } from "../../go/strconv/parse-float.js";
import { parseInt64 as parseGoInt64, parseUint } from "../../go/strconv/parse-integer.js";
import { Fault } from "./fault.js";

/** cel-go's fault for a string that cannot be converted to `type`. */
export function conversionFault(type: string): Fault {
  return new Fault(`type conversion error from 'string' to '${type}'`);
}

/** Go's `strconv.ParseInt(text, 10, 64)`. Throws a {@link Fault} if that fails. */
export function parseInt64(text: string): bigint {
  const value = parseGoInt64(text);
  if (value === undefined) throw conversionFault("int");
  return BigInt(value);
}

/** Go's `strconv.ParseUint(text, 10, 64)`. Throws a {@link Fault} if that fails. */
export function parseUint64(text: string): bigint {
  const parsed = parseUint(text, 10, 64);
  if ("fault" in parsed) throw conversionFault("uint");
  return parsed.value;
}

/** Go's `strconv.ParseBool`. Throws a {@link Fault} if that fails. */
export function parseBool(text: string): boolean {
  const parsed = parseGoBool(text);
  if ("fault" in parsed) throw conversionFault("bool");
  return parsed.value;
}

/** Go's `strconv.ParseFloat(text, 64)`. Throws a {@link Fault} if that fails. */
export function parseDouble(text: string): number {
  const value = parseFloat64(text);
  if (value === undefined) throw conversionFault("double");
  return value;
}
