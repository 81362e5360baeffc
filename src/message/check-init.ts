import { describeValue } from "../errors/describe-value.js";
import { suggest } from "../errors/suggest.js";

/** Reports an issue of a message field, or of the message itself if `field` is empty. */
export type ReportField = (field: string, message: string) => void;

/**
 * Checks the keys of an init object with the messages of `readMessage`, for a caller that checks the values itself.
 * Returns whether `value` is an object.
 *
 * @param fields Field names as in TypeScript.
 */
export function checkFields(
  value: unknown,
  message: string,
  fields: readonly string[],
  report: ReportField,
): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report("", `must be a ${message}, not ${describeValue(value)}`);
    return false;
  }
  for (const name of Object.keys(value)) {
    if (fields.includes(name) || name.startsWith("$")) continue;
    const meant = suggest(name, fields);
    const hint = meant === undefined ? `known are ${fields.join(", ")}` : `did you mean ${meant}?`;
    report(name, `is not a field of ${message}; ${hint}`);
  }
  return true;
}
