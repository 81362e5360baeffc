import { type Issue, OptionsError } from "../errors.js";
import { issueOf } from "../issue.js";
import { describeValue } from "./describe-value.js";
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

/** Checks an argument. @throws TypeError that names the function and the argument. */
export function checkArgument<V>(name: string, argument: string, value: V, check: ValueCheck<V>): void {
  check(value, argument, (path, message) => {
    throw new TypeError(`${name}: ${path} ${message}`);
  });
}

function checkTable(
  options: unknown,
  path: string,
  name: string,
  // Of any options: what the rows accept has been checked by the compiler where the table was written.
  table: Readonly<Record<string, ValueCheck<never>>>,
  report: ReportIssue,
): void {
  if (!isObject(options)) {
    report(path, `must be an object, not ${describeValue(options)}`);
    return;
  }
  const prefix = path === "" ? "" : `${path}.`;
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(table, key)) report(prefix + key, unknownOption(key, name, Object.keys(table)));
  }
  for (const [key, check] of Object.entries(table)) {
    const value = (options as Readonly<Record<string, unknown>>)[key];
    if (value !== undefined || "required" in check) check(value, prefix + key, report);
  }
}

function unknownOption(key: string, name: string, known: readonly string[]): string {
  const meant = suggest(key, known);
  const hint = meant === undefined ? `; known are ${known.join(", ")}` : `; did you mean ${meant}?`;
  return `not an option of ${name}${hint}`;
}
