import type { DescEnum } from "@bufbuild/protobuf";
import { cutText } from "../../errors/cut-text.js";
import { FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { FlowEvent } from "../event.js";
import type { RequirementTrace, SelectorTrace } from "../labels/index.js";
import type { Explanation, FieldExplanation, FilterExplanation } from "./explain.js";

/** The maximum number of list elements, of filters per list, and of UTF-16 code units per string that are shown. */
const ELEMENTS = 10;
const FILTERS = 100;
const TEXT_LENGTH = 256;

/** Formats the verdict, followed by every filter with its fields. */
export function formatExplanation(
  { passes, decidedBy, allow, deny }: Omit<Explanation, "toString">,
  event: FlowEvent,
): string {
  const kind = event === undefined ? "no event" : (event.$typeName ?? "what is no message (see fromJson)");
  const formatFilters = (filters: readonly FilterExplanation[]) => {
    const decisive = filters.findIndex(({ path }) => path === decidedBy);
    return cutList(filters, formatFilter, decisive, FILTERS).map((text) => `  ${text}`);
  };
  return [
    `${kind} ${passes ? "passes" : "does not pass"}: ${reason(passes, decidedBy)}`,
    ...formatFilters(allow),
    ...formatFilters(deny),
  ].join("\n");
}

function reason(passes: boolean, decidedBy: string | undefined): string {
  if (decidedBy !== undefined) return `${decidedBy} matches`;
  return passes ? "there is no allow filter, and no deny filter matches" : "no allow filter matches";
}

function formatFilter({ path, matches, fields }: FilterExplanation): string {
  const name = `${path} ${matches ? "matches" : "does not match"}${fields.length === 0 ? " (it has no fields: every event does)" : ""}`;
  return [name, ...fields.map((field) => `    ${formatField(field)}`)].join("\n");
}

function formatField({ field, holds, wanted, heldBy = -1, seen, selectors = [] }: FieldExplanation): string {
  const line = `${mark(holds)} ${field}: wanted ${formatList(wanted, field, heldBy)}, seen ${formatValue(seen, field)}`;
  const traces = cutList(selectors, formatSelector, heldBy).map((text) => `      ${text}`);
  return [line, ...traces].join("\n");
}

/** A selector with a single requirement is shown as that requirement. */
function formatSelector({ selector, holds, requirements }: SelectorTrace): string {
  const [first] = requirements;
  if (first === undefined) return `${mark(holds)} ${formatText(selector)} always holds`;
  if (requirements.length === 1) return formatRequirementTrace(first);
  const failing = requirements.findIndex((requirement) => !requirement.holds);
  const texts = cutList(requirements, formatRequirementTrace, failing);
  return `${mark(holds)} ${formatText(selector)}: ${texts.join(", ")}`;
}

function formatRequirementTrace({ requirement, label, holds }: RequirementTrace): string {
  const because = label === undefined ? "there is no such label" : `the label is ${formatText(label)}`;
  // Keys and values of selectors contain only printable ASCII, so they need no quoting.
  return `${mark(holds)} ${cutText(requirement, TEXT_LENGTH)} (${because})`;
}

function mark(holds: boolean): string {
  return holds ? "✓" : "✗";
}

/** Similar to JSON: omits type names and unset fields, shows enums by name, and escapes strings for a terminal. */
function formatValue(value: unknown, field: string): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return formatList(value, field);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(
      ([name, content]) => !name.startsWith("$") && isSet(content),
    );
    return `{${entries.map(([name, content]) => `${name}: ${formatValue(content, name)}`).join(", ")}}`;
  }
  if (typeof value === "string") return formatText(value);
  return (typeof value === "number" ? enumOf(field)?.value[value]?.name : undefined) ?? String(value);
}

function enumOf(name: string): DescEnum | undefined {
  return FlowFilterSchema.fields.find((field) => field.name === name)?.enum;
}

function formatList(values: readonly unknown[], field: string, decisive = -1): string {
  if (values.length === 0) return "nothing";
  const texts = cutList(values, (value) => formatValue(value, field), decisive);
  return values.length === 1 ? texts.join() : `[${texts.join(", ")}]`;
}

function formatText(text: string): string {
  return goQuote(cutText(text, TEXT_LENGTH));
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== "" && value !== 0 && value !== false;
}

/** The first elements, the decisive one even if it comes later, and the number of elements that are left out. */
function cutList<T>(
  elements: readonly T[],
  format: (element: T) => string,
  decisive: number,
  limit = ELEMENTS,
): string[] {
  const texts = elements.slice(0, limit).map(format);
  const later = decisive < limit ? undefined : elements[decisive];
  if (later !== undefined) texts.push(`… ${format(later)}`);
  const more = elements.length - texts.length;
  return more > 0 ? [...texts, `… and ${more.toLocaleString("en-US")} more`] : texts;
}
