import { FilterError, type Issue, OptionsError } from "../../../errors/errors.js";
import { issueOf } from "../../../errors/issue.js";
import { checkFlowFilters } from "../../../filter/compile.js";
import { DEFAULT_BEFORE_MS, type FlightOptions } from "../options.js";

/**
 * Checks the filters of a trigger, and the options that depend on one another.
 *
 * @throws OptionsError; FilterError with every fault of `trigger`.
 */
export function checkTrigger(options: Omit<FlightOptions, "sink">): void {
  const issues = combinationIssues(options);
  if (issues.length > 0) throw new OptionsError(issues);
  const { trigger, filter } = options;
  if (trigger === undefined) return;
  const faults = checkFlowFilters(trigger, filter);
  if (faults.length > 0) {
    throw new FilterError(faults.map(({ path, message }) => issueOf(`trigger.${path}`, message)));
  }
}

/** The issues of options that are valid one by one. */
function combinationIssues({
  trigger,
  events,
  ringDurationMs,
  beforeMs,
  skewMs,
}: Omit<FlightOptions, "sink">): Issue[] {
  const issues: Issue[] = [];
  if (trigger === undefined && events !== undefined) {
    issues.push(issueOf("events", "requires `trigger`, the filters that events must pass"));
  }
  const neededMs = (beforeMs ?? DEFAULT_BEFORE_MS) + (events === undefined ? 0 : (skewMs ?? 0));
  if (ringDurationMs !== undefined && ringDurationMs < neededMs) {
    issues.push(
      issueOf(
        "ringDurationMs",
        `is shorter than the ${neededMs} ms before a trigger; increase it or shorten \`beforeMs\``,
      ),
    );
  }
  return issues;
}
