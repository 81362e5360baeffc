import { FilterError } from "../errors.js";
import { FlowFilterSchema } from "../gen/flow/flow_pb.js";
import { goQuote } from "../go-quote.js";
import {
  type CompiledFilter,
  compileLists,
  type FlowFilterLists,
  type FlowFilterOptions,
  fieldPath,
} from "./compile.js";
import { type FlowEvent, isFlow } from "./event.js";
import type { FieldTest } from "./field.js";

/** One field of a filter, held against an event. */
export interface FieldExplanation {
  /** The field's name in the proto file; `experimental.cel_expression` for the nested one. */
  readonly field: string;
  readonly holds: boolean;
  /** The values of the filter, any of which would do. */
  readonly wanted: unknown;
  /** What the field looks at in the event; undefined when it has nothing of the kind. */
  readonly seen: unknown;
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
  /** Lines for a terminal: the verdict first, then every filter with its fields. */
  toString(): string;
}

/**
 * Says of every filter and field whether it holds for an event, with the values wanted and the value seen. It passes
 * exactly the events that {@link compileFlowFilters} passes; being made for reading, it takes its time.
 *
 * @throws FilterError as {@link compileFlowFilters} does.
 */
export function explainFlowFilters(
  lists: FlowFilterLists,
  event: FlowEvent,
  options: FlowFilterOptions = {},
): Explanation {
  const { allow, deny, issues } = compileLists(lists, options);
  if (issues.length > 0) throw new FilterError(issues);
  const allowed = allow.map((filter, index) => explainFilter(filter, `allow[${index}]`, event));
  const denied = deny.map((filter, index) => explainFilter(filter, `deny[${index}]`, event));
  const allowing = allowed.find(({ matches }) => matches);
  const isAllowed = allow.length === 0 || allowing !== undefined;
  const denying = isAllowed ? denied.find(({ matches }) => matches) : undefined;
  const explanation = {
    passes: isAllowed && denying === undefined,
    decidedBy: (denying ?? allowing)?.path,
    allow: allowed,
    deny: denied,
  };
  return { ...explanation, toString: () => formatExplanation(explanation, event) };
}

function explainFilter(
  { message, fields }: CompiledFilter,
  path: string,
  event: FlowEvent,
): FilterExplanation {
  const explained = fields.map(
    ({ field, test }): FieldExplanation => ({
      field: fieldPath(field),
      holds: holds(test, event),
      wanted: field === "experimental" ? message.experimental?.celExpression : message[field],
      seen: test.seen(event),
    }),
  );
  return { path, matches: explained.every((field) => field.holds), fields: explained };
}

function holds(test: FieldTest, event: FlowEvent): boolean {
  return isFlow(event) ? test.matches(event) : test.matchesOther?.(event) === true;
}

function formatExplanation(
  { passes, decidedBy, allow, deny }: Omit<Explanation, "toString">,
  event: FlowEvent,
): string {
  const kind = event === undefined ? "no event" : event.$typeName;
  return [
    `${kind} ${passes ? "passes" : "does not pass"}: ${reason(passes, decidedBy)}`,
    ...[...allow, ...deny].flatMap(formatFilter),
  ].join("\n");
}

function reason(passes: boolean, decidedBy: string | undefined): string {
  if (decidedBy !== undefined) return `${decidedBy} matches`;
  return passes ? "there is no allow filter, and no deny filter matches" : "no allow filter matches";
}

function formatFilter({ path, matches, fields }: FilterExplanation): string[] {
  const name = `  ${path} ${matches ? "matches" : "does not match"}${fields.length === 0 ? " (it has no fields: every event does)" : ""}`;
  return [name, ...fields.map(formatField)];
}

function formatField({ field, holds: holding, wanted, seen }: FieldExplanation): string {
  const format = (value: unknown) => formatValue(value, field);
  return `    ${holding ? "✓" : "✗"} ${field}: wanted ${format(wanted)}, seen ${format(seen)}`;
}

const ENUMS = new Map(
  FlowFilterSchema.fields.map((field) => [field.name, field.fieldKind === "list" ? field.enum : undefined]),
);

/** Much like JSON: no type names, nothing that is unset, enums by name, and texts safe for a terminal. */
function formatValue(value: unknown, field: string): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) {
    if (value.length === 0) return "nothing";
    const texts = value.map((element) => formatValue(element, field));
    return texts.length === 1 ? texts.join() : `[${texts.join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(
      ([name, content]) => !name.startsWith("$") && isSet(content),
    );
    return `{${entries.map(([name, content]) => `${name}: ${formatValue(content, name)}`).join(", ")}}`;
  }
  if (typeof value === "string") return goQuote(value);
  return (typeof value === "number" ? ENUMS.get(field)?.value[value]?.name : undefined) ?? String(value);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== "" && value !== 0 && value !== false;
}
