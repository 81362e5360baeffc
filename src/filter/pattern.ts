import { goQuote } from "../go/quote.js";
import { goToLower, goTrimSpace } from "../go/strings.js";
import { compileLookup, compileNames, type NameMatcher, type NamePattern } from "./pattern-match.js";

/** What a pattern of Hubble's `node_name` asks of the two parts of `cluster/node`; undefined asks for any valid name. */
export interface NodeNamePattern {
  readonly cluster: NamePattern | undefined;
  readonly node: NamePattern | undefined;
}

/**
 * Reads a pattern of `source_fqdn` or `destination_fqdn`. Space around it, one dot at its end and upper case do not count.
 * What is no pattern gives the error text instead (patterns.go in cilium/pkg/hubble/filters).
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

/** Reads a pattern of `node_name`, as {@link parseFqdnPattern} does: `node`, `cluster/node`, `cluster/` or `/node`. */
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

/** Whether a name, as it stands in a flow, matches any of the patterns. Time is linear in the length of the name. */
export function compileFqdnPatterns(patterns: readonly NamePattern[]): (name: string) => boolean {
  const matches = compileNames(patterns);
  return (name) => matches(name, 0, name.length);
}

/** The cluster of a node name that tells none: `ClusterName` in cilium/pkg/defaults. */
const DEFAULT_CLUSTER = "default";

/** Whether a flow's node name, with or without its cluster, matches any of the patterns. The empty name never does. */
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

/** One part of a node name's pattern: empty means any, but space or a dot alone does not. */
function parseNodeNamePart(text: string): NamePattern | undefined | string {
  return text === "" ? undefined : parseFqdnPattern(text);
}

function takesDefaultCluster({ cluster }: NodeNamePattern): boolean {
  return compileNames([cluster])(DEFAULT_CLUSTER, 0, DEFAULT_CLUSTER.length);
}

/** The patterns by their clusters: those whose cluster is a plain name, and those for many clusters. */
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

/** Go's `%q` of one character. */
function goQuoteRune(character: string): string {
  if (character === "'") return "'\\''";
  return character === '"' ? "'\"'" : `'${goQuote(character).slice(1, -1)}'`;
}
