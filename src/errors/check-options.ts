import { describeValue } from "./describe-value.js";
import { type Issue, OptionsError } from "./errors.js";
import { issueOf } from "./issue.js";
import { suggest } from "./suggest.js";
import { isObject, type ReportIssue, type RequiredCheck, type ValueCheck } from "./value-checks.js";

/** The check of each option. A missing row and a row without an option are both compile errors. */
export type OptionTable<Options> = {
  readonly [K in keyof Options]-?: undefined extends Options[K]
    ? ValueCheck<Exclude<Options[K], undefined>>
    : RequiredCheck<Options[K]>;
};

/**
 * Checks the options of a public function before it does anything else. An undefined option counts as absent.
 *
 * @param name Name of the function, for messages.
 * @throws OptionsError with every issue: unknown options, type mismatches, values out of range.
 */
export function checkOptions<Options extends object>(
  name: string,
  options: Options,
  table: OptionTable<NoInfer<Options>>,
): void {
  const issues = optionIssues(name, options, table);
  if (issues.length > 0) throw new OptionsError(issues);
}

/** Returns the issues that {@link checkOptions} would throw, for functions that return issues. */
export function optionIssues<Options extends object>(
  name: string,
  options: Options,
  table: OptionTable<NoInfer<Options>>,
): Issue[] {
  const issues: Issue[] = [];
  checkTable(options, "", name, table, (path, message) => issues.push(issueOf(path || "options", message)));
  return issues;
}

/** Creates a check of nested options that rejects unknown keys. `name` is used in messages. */
export function optionsOf<Options extends object>(
  name: string,
  table: OptionTable<Options>,
): ValueCheck<Options> {
  return (value, path, report) => checkTable(value, path, name, table, report);
}

/** Creates a check of an object with required fields that may have additional ones. */
export function fieldsOf<Fields extends object>(table: OptionTable<Fields>): ValueCheck<Fields> {
  return (value, path, report) => checkRows(value, path, table, report);
}

/** An {@link OptionTable} of any options; the compiler checked its types where the table was declared. */
type Rows = Readonly<Record<string, ValueCheck<never>>>;

function checkTable(options: unknown, path: string, name: string, rows: Rows, report: ReportIssue): void {
  for (const key of isObject(options) ? Object.keys(options) : []) {
    if (!Object.hasOwn(rows, key)) report(join(path, key), unknownOption(key, name, Object.keys(rows)));
  }
  checkRows(options, path, rows, report);
}

function checkRows(options: unknown, path: string, rows: Rows, report: ReportIssue): void {
  if (!isObject(options)) {
    report(path, `must be an object, not ${describeValue(options)}`);
    return;
  }
  for (const [key, check] of Object.entries(rows)) {
    const value = (options as Readonly<Record<string, unknown>>)[key];
    if (value !== undefined || "required" in check) check(value, join(path, key), report);
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function unknownOption(key: string, name: string, known: readonly string[]): string {
  if (known.length === 0) return `${name} has no options`;
  const meant = suggest(key, known);
  const hint = meant === undefined ? `; known are ${known.join(", ")}` : `; did you mean ${meant}?`;
  return `not an option of ${name}${hint}`;
}
