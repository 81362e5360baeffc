// A second implementation of the rules, written to be obviously right: it parses, sorts and compares everything for every
// event, and reads prefixes as strings of bits. Its requirements are made by the generator, not parsed.

import type { LabelRequirement } from "../../../src/filter/labels/requirement.js";
import { goSort } from "../../../src/go/sort.js";
import type { HubbleRules } from "../../../src/hubble/rules.js";

interface NaiveLabel {
  readonly source: string;
  readonly key: string;
  readonly value: string;
}

export function naiveMatches(
  selectors: readonly (readonly LabelRequirement[])[],
  texts: readonly string[] | undefined,
  invalidCidrLabels: HubbleRules["invalidCidrLabels"] = "text",
): boolean {
  const labels = (texts ?? []).map(naiveLabel);
  const byKey = (left: NaiveLabel, right: NaiveLabel) =>
    Buffer.compare(Buffer.from(left.key), Buffer.from(right.key));
  // Go's order of equal keys is checked against its own answers, see vectors.test.ts.
  if (labels.length > 12) goSort(labels, byKey);
  else labels.sort(byKey);
  return selectors.some((requirements) =>
    requirements.every((requirement) => holds(requirement, labels, invalidCidrLabels)),
  );
}

function holds(
  { source, key, operator, values }: LabelRequirement,
  labels: readonly NaiveLabel[],
  invalidCidrLabels: HubbleRules["invalidCidrLabels"],
): boolean {
  const comparesText = source !== "cidr" || invalidCidrLabels === "text";
  const label = labels.find(
    (one) =>
      (source === "any" || source === one.source) &&
      ((comparesText && one.key === key) || holdsPrefix(source, key, one.key)),
  );
  switch (operator) {
    case "exists":
      return label !== undefined;
    case "!":
      return label === undefined;
    case "=":
    case "==":
    case "in":
      return label !== undefined && values.includes(label.value);
    case "!=":
    case "notin":
      return label === undefined || !values.includes(label.value);
    default: {
      if (label === undefined || !/^[-+]?[0-9]+$/.test(label.value)) return false;
      const value = BigInt(label.value.replace("+", ""));
      if (BigInt.asIntN(64, value) !== value) return false;
      const limit = BigInt(values[0] ?? "");
      return operator === ">" ? value > limit : value < limit;
    }
  }
}

function naiveLabel(text: string): NaiveLabel {
  const match =
    /^(?<dollar>\$)(?<rest>.*)$/s.exec(text) ??
    /^(?<source>[^:]*):(?<rest>.*)$/s.exec(text) ??
    /^(?<dot>reserved\.)(?<rest>.*)$/s.exec(text) ??
    /^(?<rest>.*)$/s.exec(text);
  const { dollar, source = "", dot, rest = "" } = match?.groups ?? {};
  const named = dollar !== undefined || dot !== undefined ? "reserved" : source || "unspec";
  if (named === "reserved" && rest.startsWith("=")) return { source: named, key: rest.slice(1), value: "" };
  const [key = "", ...value] = rest.split("=");
  return { source: named, key, value: value.join("=") };
}

/** IPv4 prefixes only, which is what the generator makes. */
function holdsPrefix(source: string, outer: string, inner: string): boolean {
  const outerBits = bits(outer);
  const innerBits = bits(inner);
  return source === "cidr" && outerBits !== undefined && (innerBits?.startsWith(outerBits) ?? false);
}

function bits(key: string): string | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/([1-9]?\d)$/.exec(key);
  if (match === null || Number(match[5]) > 32) return undefined;
  const octets = match.slice(1, 5);
  if (octets.some((octet) => Number(octet) > 255 || `${Number(octet)}` !== octet)) return undefined;
  return octets
    .map((octet) => Number(octet).toString(2).padStart(8, "0"))
    .join("")
    .slice(0, Number(match[5]));
}
