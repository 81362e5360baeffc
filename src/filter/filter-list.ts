import type { Flow } from "../gen/flow/flow_pb.js";
import type { FlowEvent } from "./event.js";
import type { IndexKey, NamePrefix } from "./field.js";
import { readPort } from "./fields/port.js";
import { lastAtOrBefore } from "./pattern/name-prefix.js";

type OtherEvent = Exclude<FlowEvent, Flow>;

/** A filter as a test, with the keys by which an index can find it. */
export interface FilterTest {
  readonly matches: (flow: Flow) => boolean;
  /** Absent if the filter can only match flows. */
  readonly matchesOther: ((event: OtherEvent) => boolean) | undefined;
  readonly keys: readonly IndexKey[];
}

/** Whether any of a list of filters matches. */
export interface AnyTest {
  readonly matches: (flow: Flow) => boolean;
  readonly matchesOther: (event: OtherEvent) => boolean;
}

/** The minimum number of filters with the same kind of key for which an index is faster. */
const INDEX_SIZE = 8;

/**
 * Compiles a list of filters into one test. If many filters restrict an address, pod, port or identity, an index
 * selects the candidates.
 */
export function compileAny(filters: readonly FilterTest[]): AnyTest {
  const others = filters.flatMap(({ matchesOther }) => (matchesOther === undefined ? [] : [matchesOther]));
  return { matches: anyHolds(indexed(filters)), matchesOther: anyHolds(others) };
}

type FlowTest = (flow: Flow) => boolean;

function anyHolds<T>(tests: readonly ((value: T) => boolean)[]): (value: T) => boolean {
  const [first, second] = tests;
  if (first === undefined) return () => false;
  if (tests.length === 1) return first;
  if (tests.length === 2 && second !== undefined) return (value) => first(value) || second(value);
  return (value) => {
    for (let index = 0; index < tests.length; index++) if (tests[index]!(value)) return true;
    return false;
  };
}

/**
 * The indexes, the most selective kinds of keys first. Exhaustive: a kind of key that is added does not compile until it
 * has an index.
 */
const INDEXES: { readonly [By in IndexKey["by"]]: (group: readonly Keyed[]) => FlowTest } = {
  sourceIp: (group) => byValue<string>(group, (flow) => flow.IP?.source),
  destinationIp: (group) => byValue<string>(group, (flow) => flow.IP?.destination),
  sourcePod: (group) => byName(group, (flow) => flow.source),
  destinationPod: (group) => byName(group, (flow) => flow.destination),
  sourceIdentity: (group) => byValue<number>(group, (flow) => flow.source?.identity),
  destinationIdentity: (group) => byValue<number>(group, (flow) => flow.destination?.identity),
  sourcePort: (group) => byValue<number>(group, (flow) => readPort(flow, "sourcePort")),
  destinationPort: (group) => byValue<number>(group, (flow) => readPort(flow, "destinationPort")),
};

// The keys of the table are the kinds.
const PREFERENCE = Object.keys(INDEXES) as readonly IndexKey["by"][];

interface Keyed<K extends IndexKey = IndexKey> {
  readonly key: K;
  readonly matches: FlowTest;
}

function indexed(filters: readonly FilterTest[]): FlowTest[] {
  const tests: FlowTest[] = [];
  const groups = new Map<IndexKey["by"], Keyed[]>(PREFERENCE.map((by) => [by, []]));
  const countSharing = sharingCounter(filters);
  for (const { keys, matches } of filters) {
    const key = [...keys]
      .sort((a, b) => PREFERENCE.indexOf(a.by) - PREFERENCE.indexOf(b.by))
      .reduce<IndexKey | undefined>(
        (best, one) => (best === undefined || countSharing(one) < countSharing(best) ? one : best),
        undefined,
      );
    if (key === undefined) tests.push(matches);
    // There is a group for every kind.
    else groups.get(key.by)!.push({ key, matches });
  }
  for (const [by, group] of groups) {
    if (group.length < INDEX_SIZE) tests.push(...group.map(({ matches }) => matches));
    else tests.push(INDEXES[by](group));
  }
  return tests;
}

/** The number of filters that share the most common value of a key: the fewer, the more selective the key. */
function sharingCounter(filters: readonly FilterTest[]): (key: IndexKey) => number {
  const counts = new Map<string, number>();
  const namesOf = ({ by, values }: IndexKey) =>
    values.map((value) =>
      typeof value === "object" ? `${by} ${value.namespace}/${value.prefix}` : `${by} ${value}`,
    );
  for (const { keys } of filters) {
    for (const name of keys.flatMap(namesOf)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return (key) => namesOf(key).reduce((most, name) => Math.max(most, counts.get(name) ?? 0), 0);
}

/** Indexes filters by a value that the flow must have. */
function byValue<T extends string | number>(
  group: readonly Keyed[],
  read: (flow: Flow) => T | undefined,
): FlowTest {
  const candidates = new Map<unknown, FlowTest[]>();
  for (const { key, matches } of group) {
    for (const value of new Set<unknown>(key.values)) append(candidates, value, matches);
  }
  const tests = new Map([...candidates].map(([value, matching]) => [value, anyHolds(matching)]));
  return (flow) => {
    const value = read(flow);
    if (value === undefined) return false;
    const test = tests.get(value);
    return test?.(flow) === true;
  };
}

/** Indexes filters by a name prefix within a namespace. */
function byName(
  group: readonly Keyed[],
  read: (flow: Flow) => { readonly namespace: string; readonly podName: string } | undefined,
): FlowTest {
  const namespaces = new Map<string, { prefix: string; matches: FlowTest }[]>();
  for (const { key, matches } of group) {
    for (const { namespace, prefix } of key.values as readonly NamePrefix[]) {
      append(namespaces, namespace, { prefix, matches });
    }
  }
  const indexes = new Map([...namespaces].map(([namespace, entries]) => [namespace, prefixIndex(entries)]));
  const inAny = indexes.get("");
  indexes.delete("");
  return (flow) => {
    const endpoint = read(flow);
    if (endpoint === undefined) return false;
    const { namespace, podName } = endpoint;
    return indexes.get(namespace)?.(podName, flow) === true || inAny?.(podName, flow) === true;
  };
}

/**
 * Finds all prefixes of a name by binary search. In sorted order, the last prefix at or before the name either is a
 * prefix of the name, or its own prefixes include all prefixes of the name.
 */
function prefixIndex(
  entries: readonly { prefix: string; matches: FlowTest }[],
): (name: string, flow: Flow) => boolean {
  const byPrefix = new Map<string, FlowTest[]>();
  for (const { prefix, matches } of entries) append(byPrefix, prefix, matches);
  const sorted = [...byPrefix].sort(([a], [b]) => (a < b ? -1 : 1));
  const prefixes = sorted.map(([prefix]) => prefix);
  const tests = sorted.map(([, matching]) => anyHolds(matching));
  const parents = parentsOf(prefixes);
  return (name, flow) => {
    for (let index = lastAtOrBefore(prefixes, name); index >= 0; index = parents[index]!) {
      if (name.startsWith(prefixes[index]!) && tests[index]!(flow)) return true;
    }
    return false;
  };
}

/** For each of the sorted prefixes, the index of the longest other one that is a prefix of it; -1 if none is. */
function parentsOf(prefixes: readonly string[]): Int32Array {
  const parents = new Int32Array(prefixes.length);
  const open: number[] = [];
  prefixes.forEach((prefix, index) => {
    while (open.length > 0 && !prefix.startsWith(prefixes[open.at(-1)!]!)) open.pop();
    parents[index] = open.at(-1) ?? -1;
    open.push(index);
  });
  return parents;
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
