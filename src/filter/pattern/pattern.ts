import { goQuote } from "../../go/strconv/quote.js";
import { goToLower, goTrimSpace } from "../../go/strings.js";
import { compileLookup, compileNames, type NameMatcher, type NamePattern } from "./pattern-match.js";

/** A pattern of Hubble's `node_name` for the two parts of `cluster/node`; undefined matches any valid name. */
export interface NodeNamePattern {
  readonly cluster: NamePattern | undefined;
  readonly node: NamePattern | undefined;
}

/**
 * Parses a pattern of `source_fqdn` or `destination_fqdn`. Ignores surrounding white space, one trailing dot and case.
 * Returns the error text if the pattern is invalid (patterns.go in cilium/pkg/hubble/filters).
 */
export function parseFqdnPattern(text: string): NamePattern | string {
  const trimmed = goTrimSpace(text);
  const name = goToLower(trimmed.endsWith(".") ? trimmed.slice(0, -1) : trimmed);
  if (name === "") return "empty pattern";
  if (name.endsWith(".")) return "multiple trailing dots in pattern";
  for (const character of name) {
    if (!/^[-.*0-9_a-z]$/.test(character)) return `${goQuoteRune(character)}: invalid rune in pattern`;
  }
  return { literals: name.split(/\*+/) };
}

/**
 * Parses a pattern of `node_name`: `node`, `cluster/node`, `cluster/` or `/node`. Each part follows the rules of
 * {@link parseFqdnPattern}. Returns the error text if the pattern is invalid.
 */
export function parseNodeNamePattern(text: string): NodeNamePattern | string {
  if (text === "") return "empty pattern";
  const slash = text.indexOf("/");
  if (slash !== text.lastIndexOf("/")) return "too many slashes in pattern";
  const cluster = parseNodeNamePart(text.slice(0, Math.max(slash, 0)));
  if (typeof cluster === "string") return cluster;
  const node = parseNodeNamePart(text.slice(slash + 1));
  if (typeof node === "string") return node;
  return { cluster, node };
}

/** Compiles patterns into a test for a name of a flow. Each pattern takes time linear in the length of the name. */
export function compileFqdnPatterns(patterns: readonly NamePattern[]): (name: string) => boolean {
  const matches = compileNames(patterns);
  return (name) => matches(name, 0, name.length);
}

/** The cluster of a node name without a cluster: `ClusterName` in cilium/pkg/defaults. */
export const DEFAULT_CLUSTER = "default";

/**
 * Compiles patterns into a test for a flow's node name, with or without a cluster. An empty node name never matches.
 */
export function compileNodeNamePatterns(patterns: readonly NodeNamePattern[]): (nodeName: string) => boolean {
  const matchesBareNode = compileNames(patterns.filter(takesDefaultCluster).map(({ node }) => node));
  const { named, others } = groupByCluster(patterns);
  const findNamed = compileLookup(named);
  return (nodeName) => {
    const { length } = nodeName;
    const slash = nodeName.indexOf("/");
    if (slash < 0) return length > 0 && matchesBareNode(nodeName, 0, length);
    if (findNamed(nodeName, 0, slash)?.(nodeName, slash + 1, length)) return true;
    for (let index = 0; index < others.length; index++) {
      const { matchesCluster, matchesNode } = others[index]!;
      if (matchesCluster(nodeName, 0, slash) && matchesNode(nodeName, slash + 1, length)) return true;
    }
    return false;
  };
}

/** Parses one part of a node name pattern. An empty part matches any name; white space or a dot alone is an error. */
function parseNodeNamePart(text: string): NamePattern | undefined | string {
  return text === "" ? undefined : parseFqdnPattern(text);
}

function takesDefaultCluster({ cluster }: NodeNamePattern): boolean {
  return compileNames([cluster])(DEFAULT_CLUSTER, 0, DEFAULT_CLUSTER.length);
}

/** Groups patterns by cluster: those with a literal cluster name, and those whose cluster has wildcards or is unset. */
function groupByCluster(patterns: readonly NodeNamePattern[]): {
  named: Map<string, NameMatcher>;
  others: { matchesCluster: NameMatcher; matchesNode: NameMatcher }[];
} {
  const groups = new Map<string | undefined, NodeNamePattern[]>();
  for (const pattern of patterns) {
    const key = pattern.cluster?.literals.join("*");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [pattern]);
    else group.push(pattern);
  }
  const named = new Map<string, NameMatcher>();
  const others = [];
  for (const [key, group] of groups) {
    const matchesNode = compileNames(group.map(({ node }) => node));
    if (key !== undefined && !key.includes("*")) named.set(key, matchesNode);
    else others.push({ matchesCluster: compileNames([group[0]?.cluster]), matchesNode });
  }
  return { named, others };
}

/** Go's `%q` for a rune. */
function goQuoteRune(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? "'\"'" : `'${goQuote(character).slice(1, -1)}'`;
}
