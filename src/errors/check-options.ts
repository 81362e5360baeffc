import { describeValue } from "./describe-value.js";
import { type Issue, OptionsError } from "./errors.js";
import { issueOf } from "./issue.js";
import { suggest } from "./suggest.js";
import { isObject, type ReportIssue, type RequiredCheck, type ValueCheck } from "./value-checks.js";

/** What each option must be. An option without a row does not compile, and neither does a row without an option. */
export type OptionTable<Options> = {
  readonly [K in keyof Options]-?: undefined extends Options[K]
    ? ValueCheck<Exclude<Options[K], undefined>>
    : RequiredCheck<Options[K]>;
};

/**
 * Checks the options of a public function once, before it does anything. An undefined option is an absent one.
 *
 * @param name The function, for messages.
 * @throws OptionsError with every issue: unknown options, wrong types, values out of range.
 */
export function checkOptions<Options extends object>(
  name: string,
  options: Options,
  table: OptionTable<NoInfer<Options>>,
): void {
  const issues = optionIssues(name, options, table);
  if (issues.length > 0) throw new OptionsError(issues);
}

/** The issues that {@link checkOptions} would throw, for functions that return issues. */
export function optionIssues<Options extends object>(
  name: string,
  options: Options,
  table: OptionTable<NoInfer<Options>>,
): Issue[] {
  const issues: Issue[] = [];
  checkTable(options, "", name, table, (path, message) => issues.push(issueOf(path || "options", message)));
  return issues;
}

/** The check of options inside of options. `name` is theirs, for messages. */
export function optionsOf<Options extends object>(
  name: string,
  table: OptionTable<Options>,
): ValueCheck<Options> {
  return (value, path, report) => checkTable(value, path, name, table, report);
}

/** The check of an object that may have other fields, too; it is for objects whose fields are required. */
export function fieldsOf<Fields extends object>(table: OptionTable<Fields>): ValueCheck<Fields> {
  return (value, path, report) => checkRows(value, path, table, report);
}

/** Of any options: the compiler has checked what the rows accept where the table was written. */
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
