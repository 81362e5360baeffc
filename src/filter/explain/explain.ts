import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { FilterError } from "../../errors/errors.js";
import { aMessage } from "../../errors/value-checks.js";
import { type CompiledFilter, compileLists, type FlowFilterLists } from "../compile.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "../event.js";
import type { FieldTest, FilterField } from "../field.js";
import { fieldPath, filterWith, valuesOf } from "../field-values.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "../filter-options.js";
import type { SelectorTrace } from "../labels/index.js";
import { formatExplanation } from "./explain-text.js";

/** The result of one field of a filter for an event. */
export interface FieldExplanation {
  /** The field's name in the proto file; `experimental.cel_expression` for the nested one. */
  readonly field: string;
  readonly holds: boolean;
  /** The values in the filter; the field holds if any of them matches. */
  readonly wanted: readonly unknown[];
  /** The index of the first value that makes the field hold; undefined if the field does not hold. */
  readonly heldBy: number | undefined;
  /** The value of the event that the field compares; undefined if the event has no such value. */
  readonly seen: unknown;
  /** For label fields: for each value, which of its requirements hold and which label decided each one. */
  readonly selectors?: readonly SelectorTrace[];
}

/** The result of one filter for an event. The filter matches if all of its fields hold. */
export interface FilterExplanation {
  /** The position of the filter, such as `allow[0]`. */
  readonly path: string;
  readonly matches: boolean;
  readonly fields: readonly FieldExplanation[];
}

/** Why an event passes or does not pass. `String(explanation)` formats it for a terminal. */
export interface Explanation {
  readonly passes: boolean;
  /**
   * The path of the filter that decided: the first deny filter that matches, otherwise the first allow filter that
   * matches. undefined if neither exists: no allow filter matched, or the allow list is empty and no deny filter
   * matched.
   */
  readonly decidedBy: string | undefined;
  readonly allow: readonly FilterExplanation[];
  readonly deny: readonly FilterExplanation[];
  /**
   * Formats the explanation for a terminal: the verdict first, then the filters with their fields. Long lists are cut
   * to their first elements and the decisive one, long strings to 256 UTF-16 code units.
   */
  toString(): string;
}

const AN_EVENT = aMessage<NonNullable<FlowEvent> | FlowEnvelope>(
  "flow.Flow",
  "flow.LostEvent",
  "flow.AgentEvent",
  "flow.DebugEvent",
  "observer.GetFlowsResponse",
  "observer.ExportEvent",
);

/**
 * Reports for every filter and field whether it holds for an event, with the filter's values and the event's value. It
 * passes exactly the events that {@link compileFlowFilters} passes. It compiles the filters on every call and is not
 * optimized for speed.
 *
 * @throws FilterError and OptionsError as {@link compileFlowFilters} does; TypeError if `event` is not an event.
 */
export function explainFlowFilters(
  lists: FlowFilterLists,
  event: FlowEvent | FlowEnvelope,
  options: FlowFilterOptions = {},
): Explanation {
  checkOptions("explainFlowFilters", options, FLOW_FILTER_OPTIONS);
  if (event !== undefined) checkArgument("explainFlowFilters", "event", event, AN_EVENT);
  const { allow, deny, issues } = compileLists(lists, options);
  if (issues.length > 0) throw new FilterError(issues);
  const bareEvent = withoutEnvelope(event);
  const explain = (filters: readonly CompiledFilter[], list: string) =>
    filters.map((filter, index) => explainFilter(filter, `${list}[${index}]`, bareEvent, options));
  const allowed = explain(allow, "allow");
  const denied = explain(deny, "deny");
  const allowing = allowed.find(({ matches }) => matches);
  const isAllowed = allow.length === 0 || allowing !== undefined;
  const denying = isAllowed ? denied.find(({ matches }) => matches) : undefined;
  const explanation = {
    passes: isAllowed && denying === undefined,
    decidedBy: (denying ?? allowing)?.path,
    allow: allowed,
    deny: denied,
  };
  return { ...explanation, toString: () => formatExplanation(explanation, bareEvent) };
}

function explainFilter(
  { message, fields }: CompiledFilter,
  path: string,
  event: FlowEvent,
  options: FlowFilterOptions,
): FilterExplanation {
  const explained = fields.map(({ field, test }): FieldExplanation => {
    const wanted = valuesOf(message, field);
    const selectors = test.trace?.(event);
    return {
      field: fieldPath(field),
      holds: holds(test, event),
      wanted,
      heldBy: holds(test, event) ? firstHolding(field, wanted, event, options) : undefined,
      seen: test.seen(event),
      ...(selectors !== undefined && { selectors }),
    };
  });
  return { path, matches: explained.every((field) => field.holds), fields: explained };
}

function holds(test: FieldTest, event: FlowEvent): boolean {
  return isFlow(event) ? test.matches(event) : test.matchesOther?.(event) === true;
}

/** Finds the first value for which the field holds by bisection. The field must hold for the whole list. */
function firstHolding(
  field: FilterField,
  values: readonly unknown[],
  event: FlowEvent,
  options: FlowFilterOptions,
): number {
  let start = 0;
  let end = values.length;
  while (end - start > 1) {
    const middle = (start + end) >>> 1;
    if (holdsFor(field, values.slice(start, middle), event, options)) end = middle;
    else start = middle;
  }
  return start;
}

function holdsFor(
  field: FilterField,
  values: readonly unknown[],
  event: FlowEvent,
  options: FlowFilterOptions,
): boolean {
  // The values were already compiled as part of the whole filter, so they are valid.
  const test = compileLists({ allow: [filterWith(field, values)] }, options).allow[0]?.fields[0]?.test;
  return test !== undefined && holds(test, event);
}
