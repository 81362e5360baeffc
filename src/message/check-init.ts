import { describeValue } from "../errors/describe-value.js";
import { suggest } from "../errors/suggest.js";

/** Reports an issue of a message field, or of the message itself if `field` is empty. */
export type ReportField = (field: string, message: string) => void;

/**
 * Checks an init object, for callers without types. Returns whether `value` is an object. Reports unknown fields, so
 * that a misspelled limit is not silently ignored; names that start with `$` belong to every message.
 *
 * @param fields Field names as in TypeScript.
 */
export function checkFields(
  value: unknown,
  message: string,
  fields: readonly string[],
  report: ReportField,
): boolean {
  const described = `${message} (${fields.join(", ")})`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report("", `not a ${described}: ${describeValue(value)}`);
    return false;
  }
  for (const name of Object.keys(value)) {
    if (fields.includes(name) || name.startsWith("$")) continue;
    const meant = suggest(name, fields);
    report(name, `unknown field of ${described}${meant === undefined ? "" : `; did you mean ${meant}?`}`);
  }
  return true;
}

/** Returns whether a value is a string; reports other values. */
export function checkText(field: string, value: unknown, report: ReportField): boolean {
  if (typeof value === "string") return true;
  report(field, `not a text: ${describeValue(value)}`);
  return false;
}

/** Returns whether a value is a number of any range; reports other values. */
export function checkNumber(field: string, value: unknown, report: ReportField): boolean {
  if (typeof value === "number") return true;
  report(field, `not a number: ${describeValue(value)}`);
  return false;
}
