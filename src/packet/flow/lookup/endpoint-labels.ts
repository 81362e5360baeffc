import { compareText } from "../../../go/compare.js";
import { parsePrefix } from "../../../net/index.js";

/**
 * Returns the labels of an endpoint as Hubble reports them (pkg/hubble/parser/common/labels.go): sorted, and for a
 * local identity only the CIDR label with the longest prefix.
 */
export function sortLabels(labels: readonly string[], identity: number): string[] {
  const kept = (identity & SCOPE_MASK) === SCOPE_LOCAL ? withMostSpecificCidr(labels) : labels.slice();
  return kept.sort(compareText);
}

/** Node-local identities, which Cilium assigns to CIDRs (pkg/identity/numericidentity.go). */
const SCOPE_MASK = 0xff00_0000;
const SCOPE_LOCAL = 0x0100_0000;
const CIDR_LABEL = "cidr:";

function withMostSpecificCidr(labels: readonly string[]): string[] {
  let longest = 0;
  let mostSpecific: string | undefined;
  for (const label of labels) {
    const length = cidrLength(label);
    if (length > longest) {
      longest = length;
      mostSpecific = label;
    }
  }
  const others = labels.filter((label) => !label.startsWith(CIDR_LABEL));
  return mostSpecific === undefined ? others : [...others, mostSpecific];
}

/** The prefix length in `cidr:10.0.0.0/8` or `cidr:fd00--1/128`, where dashes replace colons; 0 for other labels. */
function cidrLength(label: string): number {
  if (!label.startsWith(CIDR_LABEL)) return 0;
  const text = label.slice(CIDR_LABEL.length).replaceAll("-", ":");
  return parsePrefix(text) === undefined ? 0 : Number(text.slice(text.indexOf("/") + 1));
}
