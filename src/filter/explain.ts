import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { FilterError } from "../errors/errors.js";
import { aMessage } from "../errors/value-checks.js";
import { type CompiledFilter, compileLists, type FlowFilterLists, fieldPath } from "./compile.js";
import { type FlowEnvelope, type FlowEvent, isFlow, withoutEnvelope } from "./event.js";
import { formatExplanation } from "./explain-text.js";
import type { FieldTest, FilterField } from "./field.js";
import type { FlowFilterInit } from "./filter-init.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "./filter-options.js";
import type { SelectorTrace } from "./labels/index.js";

/** One field of a filter, held against an event. */
export interface FieldExplanation {
  /** The field's name in the proto file; `experimental.cel_expression` for the nested one. */
  readonly field: string;
  readonly holds: boolean;
  /** The values of the filter, any of which would do. */
  readonly wanted: readonly unknown[];
  /** Which of the values is the first for which the field holds, as an index; undefined when it does not. */
  readonly heldBy: number | undefined;
  /** What the field looks at in the event; undefined when it has nothing of the kind. */
  readonly seen: unknown;
  /** Of label fields, for each of the values: which of its requirements hold, and because of which label. */
  readonly selectors?: readonly SelectorTrace[];
}

/** One filter, held against an event: it matches when all of its fields hold. */
export interface FilterExplanation {
  /** `allow[0]`. */
  readonly path: string;
  readonly matches: boolean;
  readonly fields: readonly FieldExplanation[];
}

/** Why an event passes or does not. `String(explanation)` is for a terminal. */
export interface Explanation {
  readonly passes: boolean;
  /**
   * The filter that decided: the deny filter that matched first, else the allow filter that did; undefined when there is
   * none (no allow filter matched, or the lists have nothing to say).
   */
  readonly decidedBy: string | undefined;
  readonly allow: readonly FilterExplanation[];
  readonly deny: readonly FilterExplanation[];
  /**
   * Lines for a terminal: the verdict first, then the filters with their fields. Of long lists the first elements are
   * shown, and what decided; of texts the first 256 UTF-16 code units.
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
 * Says of every filter and field whether it holds for an event, with the values wanted and the value seen. It passes
 * exactly the events that {@link compileFlowFilters} passes; being made for reading, it takes its time.
 *
 * @throws FilterError and OptionsError as {@link compileFlowFilters} does; TypeError for what is not an event.
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
  const asked = withoutEnvelope(event);
  const explain = (filters: readonly CompiledFilter[], list: string) =>
    filters.map((filter, index) => explainFilter(filter, `${list}[${index}]`, asked, options));
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
  return { ...explanation, toString: () => formatExplanation(explanation, asked) };
}

function explainFilter(
  { message, fields }: CompiledFilter,
  path: string,
  event: FlowEvent,
  options: FlowFilterOptions,
): FilterExplanation {
  const explained = fields.map(({ field, test }): FieldExplanation => {
    // All fields are lists, but for the one that has nothing but a list.
    const wanted = (
      field === "experimental" ? message.experimental?.celExpression : message[field]
    ) as readonly unknown[];
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

/** The field holds for the values: halves them until one is left. */
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
  // Values of the field as it was compiled before.
  const filter = {
    [field]: field === "experimental" ? { celExpression: values } : values,
  } as FlowFilterInit;
  const test = compileLists({ allow: [filter] }, options).allow[0]?.fields[0]?.test;
  return test !== undefined && holds(test, event);
}
