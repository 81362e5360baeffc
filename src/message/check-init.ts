import { describeValue } from "../errors/describe-value.js";
import { suggest } from "../errors/suggest.js";

/** Notes a fault of a field of a message; of the message itself when the field is empty. */
export type ReportField = (field: string, message: string) => void;

/**
 * For callers without types: whether this is an object that can be a message. Its fields that the message does not have are
 * reported, as a misspelt limit would be none; names that begin with `$` are a message's own.
 *
 * @param fields As in TypeScript.
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

/** Whether this is a text; reports what is none. */
export function checkText(field: string, value: unknown, report: ReportField): boolean {
  if (typeof value === "string") return true;
  report(field, `not a text: ${describeValue(value)}`);
  return false;
}

/** Whether this is a number, whatever its range; reports what is none. */
export function checkNumber(field: string, value: unknown, report: ReportField): boolean {
  if (typeof value === "number") return true;
  report(field, `not a number: ${describeValue(value)}`);
  return false;
}
