import { describeValue } from "../../errors/describe-value.js";
import { suggest } from "../../errors/suggest.js";
import type { ReportIssue } from "../../errors/value-checks.js";
import { CONTEXT_LABEL_NAMES, type ContextLabel } from "../context/context-label.js";
import { CONTEXT_NAMES, type ContextName } from "../context/context-value.js";
import type { ContextOptions } from "../context/label-context.js";
import { METRIC_TYPES, type MetricName } from "../handlers/metric-types.js";
import type { Located, RawOption } from "./raw-config.js";
import type { HubbleMetricOption } from "./read-objects.js";

/** The checked options of a metric. */
export interface CheckedOptions {
  readonly contexts: ContextOptions;
  /** The names of the options that take no value, and of those that are `true`. */
  readonly set: ReadonlySet<string>;
  /** The options in Hubble's own spelling. */
  readonly normal: readonly HubbleMetricOption[];
}

/** Options with a list of contexts, and where they are stored. */
const CONTEXT_OPTIONS: Readonly<Record<string, Exclude<keyof ContextOptions, "labels">>> = {
  sourceContext: "source",
  sourceEgressContext: "sourceEgress",
  sourceIngressContext: "sourceIngress",
  destinationContext: "destination",
  destinationEgressContext: "destinationEgress",
  destinationIngressContext: "destinationIngress",
};

const LABELS_CONTEXT = "labelsContext";

/** Checks the options of a metric. As in Hubble, names of options and contexts are case-insensitive, those of labels are not. */
export function checkMetricOptions(
  metric: MetricName,
  options: readonly RawOption[],
  report: ReportIssue,
): CheckedOptions {
  const own = METRIC_TYPES[metric].options;
  const known = [...Object.keys(own), ...Object.keys(CONTEXT_OPTIONS), LABELS_CONTEXT];
  const contexts: { -readonly [K in keyof ContextOptions]: ContextOptions[K] } = {};
  const set = new Set<string>();
  const normal = new Map<string, readonly string[]>();
  for (const { name: given, values } of options) {
    const name = known.find((one) => one.toLowerCase() === given.text.toLowerCase());
    if (name === undefined) {
      report(given.path, unknownName(given, `an option of ${metric}`, known));
      continue;
    }
    if (normal.has(name)) {
      report(given.path, `${name} is given twice${given.position}`);
      continue;
    }
    normal.set(
      name,
      values.map(({ text }) => text),
    );
    const context = CONTEXT_OPTIONS[name];
    const kind = own[name];
    if (kind !== undefined) {
      if (checkValue(name, kind, given, values, report)) set.add(name);
    } else if (context !== undefined) {
      const names = checkNames(CONTEXT_NAMES, "a context", given, values, report);
      contexts[context] = names;
      normal.set(name, names);
    } else {
      contexts.labels = checkNames(CONTEXT_LABEL_NAMES, "a label of labelsContext", given, values, report);
    }
  }
  return { contexts, set, normal: [...normal].map(([name, values]) => ({ name, values })) };
}

/** The names of a list of values; case-insensitive for contexts, exact for labels. */
function checkNames<Name extends ContextName | ContextLabel>(
  known: readonly Name[],
  what: string,
  { path, text: option, position }: Located,
  values: readonly Located[],
  report: ReportIssue,
): Name[] {
  if (values.length === 0) report(path, `${option} needs a value: ${known.join(", ")}${position}`);
  const isExact = what !== "a context";
  return values.flatMap((value) => {
    const text = isExact ? value.text : value.text.toLowerCase();
    const name = known.find((one) => one === text);
    if (name === undefined) report(value.path, unknownName(value, what, known));
    return name ?? [];
  });
}

/** Whether an option is set. */
function checkValue(
  name: string,
  kind: "no value" | "true",
  { path, position }: Located,
  values: readonly Located[],
  report: ReportIssue,
): boolean {
  const [first, second] = values;
  if (first === undefined) {
    if (kind === "true") report(path, `${name} needs a value: true or false${position}`);
    return kind === "no value";
  }
  const isKnown = first.text === "true" || (kind === "true" && first.text === "false");
  if (!isKnown || second !== undefined) {
    const given = describeValue(values.map(({ text }) => text).join(","));
    const expected = kind === "true" ? "must be true or false" : "takes no value";
    report(first.path, `${name} ${expected}, not ${given}${first.position}`);
  }
  return first.text === "true";
}

/** The message for a name that is not known: what it should be, with a suggestion or all names. */
export function unknownName({ text, position }: Located, what: string, known: readonly string[]): string {
  const meant = suggest(text, known);
  const hint = meant === undefined ? `known are ${known.join(", ")}` : `did you mean ${meant}?`;
  return `${describeValue(text)} is not ${what}; ${hint}${position}`;
}
