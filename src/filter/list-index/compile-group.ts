import type { FlowFilter } from "../../gen/flow/flow_pb.js";
import type { FieldTest } from "../field.js";
import { allHold, anyHolds } from "./any-holds.js";
import type { FlowIndex, FlowTest, IndexKey, KeyCondition } from "./flow-index.js";
import { type KeyedFilter, Selectivity } from "./selectivity.js";

/** A filter as the tests of its fields. */
export interface ListedFilter {
  readonly message: FlowFilter;
  /** All must hold, in this order. */
  readonly tests: readonly FieldTest[];
}

/** The minimum number of filters with the same kind of key for which an index is faster. */
export const INDEX_SIZE = 8;

/** How many indexes can lead to one filter. */
const MAX_DEPTH = 8;

/** How often the values of all filters may be visited while indexes are built. */
const MAX_VISITS = 16;

/** Up to this number of candidates, keys count as equally selective. */
const FEW_CANDIDATES = 4;

/**
 * Compiles filters into a test that holds if any of them does. Each filter is indexed by the key for which the fewest
 * filters remain candidates. Filters that share a value are indexed by their other keys in turn.
 *
 * Time and memory are linear in the number of values of all filters: a group whose indexes would need more is tested
 * one by one.
 */
export function compileFilters(filters: readonly ListedFilter[]): FlowTest {
  const candidates = filters.map((filter) => new Candidate(filter, filter.tests, NOTHING_MET));
  // Keys are not needed for few filters.
  if (candidates.length < INDEX_SIZE) return oneByOne(candidates);
  const build = { budget: new VisitBudget(MAX_VISITS * visitsFor(candidates)), identities: new Identities() };
  return compileGroup(candidates, build, 0);
}

const NOTHING_MET: ReadonlySet<KeyCondition> = new Set();

/** A filter without the tests that are known to hold for all flows of its group. */
class Candidate implements KeyedFilter {
  readonly filter: ListedFilter;
  readonly tests: readonly FieldTest[];
  readonly met: ReadonlySet<KeyCondition>;
  #keys: readonly IndexKey[] | undefined;
  #matches: FlowTest | undefined;

  constructor(filter: ListedFilter, tests: readonly FieldTest[], met: ReadonlySet<KeyCondition>) {
    this.filter = filter;
    this.tests = tests;
    this.met = met;
  }

  get keys(): readonly IndexKey[] {
    this.#keys ??= this.tests.flatMap(({ key }) => (key === undefined ? [] : [key]));
    return this.#keys;
  }

  /** The same function for all groups that the filter is in. */
  get matches(): FlowTest {
    this.#matches ??= allHold(this.tests.map(({ matches }) => matches));
    return this.#matches;
  }
}

class VisitBudget {
  #left: number;

  constructor(visits: number) {
    this.#left = visits;
  }

  spend(visits: number): boolean {
    if (visits > this.#left) return false;
    this.#left -= visits;
    return true;
  }
}

/** Numbers filters: equal ones have the same number. */
class Identities {
  readonly #known = new Map<ListedFilter, number>();
  readonly #byText = new Map<string, number>();

  numberOf(filter: ListedFilter): number {
    let number = this.#known.get(filter);
    if (number === undefined) {
      const text = JSON.stringify(filter.message, (_, value: unknown) =>
        typeof value === "bigint" ? String(value) : value,
      );
      number = this.#byText.get(text) ?? this.#byText.size;
      this.#byText.set(text, number);
      this.#known.set(filter, number);
    }
    return number;
  }
}

/** What the groups of a list share while they are compiled. */
interface Build {
  readonly budget: VisitBudget;
  readonly identities: Identities;
}

function visitsFor(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { keys }) => sum + keys.reduce((size, key) => size + key.size, 1), 0);
}

/** Holds for all flows that reach a group one of whose filters has no test left. */
const always: FlowTest = () => true;

function compileGroup(candidates: readonly Candidate[], build: Build, depth: number): FlowTest {
  if (candidates.some(({ tests }) => tests.length === 0)) return always;
  if (candidates.length < INDEX_SIZE) return oneByOne(candidates);
  const { budget, identities } = build;
  if (depth === MAX_DEPTH || !budget.spend(visitsFor(candidates)))
    return oneByOne(distinct(candidates, identities));
  const { groups, rest } = groupByKey(candidates);
  const tests: FlowTest[] = [];
  for (const [index, keyed] of groups) {
    if (keyed.length < INDEX_SIZE) rest.push(...keyed.map(({ candidate }) => candidate));
    else {
      const buckets = [...bucketsOf(index, keyed).values()].map(({ value, members }) => {
        // If a value separates nothing, all filters may be the same.
        const own = members.length === candidates.length ? distinct(members, identities) : members;
        return { value, test: compileGroup(own, build, depth + 1) };
      });
      tests.push(index.compile(buckets));
    }
  }
  if (rest.length > 0) tests.push(oneByOne(rest.length < INDEX_SIZE ? rest : distinct(rest, identities)));
  return anyHolds(tests);
}

function oneByOne(candidates: readonly Candidate[]): FlowTest {
  return anyHolds(candidates.map(({ matches }) => matches));
}

/** Without filters that occur several times. */
function distinct(candidates: readonly Candidate[], identities: Identities): Candidate[] {
  const known = new Map<number, Candidate>();
  for (const candidate of candidates) {
    const number = identities.numberOf(candidate.filter);
    if (!known.has(number)) known.set(number, candidate);
  }
  return [...known.values()];
}

/** A candidate and the conditions by which it is indexed, one of each alternative of its key. */
interface Keyed {
  readonly candidate: Candidate;
  readonly key: IndexKey;
  readonly conditions: readonly KeyCondition[];
}

function groupByKey(candidates: readonly Candidate[]): {
  groups: Map<FlowIndex<unknown>, Keyed[]>;
  rest: Candidate[];
} {
  const selectivity = new Selectivity(candidates);
  const groups = new Map<FlowIndex<unknown>, Keyed[]>();
  const rest: Candidate[] = [];
  for (const candidate of candidates) {
    const keyed = chooseKey(candidate, selectivity);
    if (keyed === undefined) {
      rest.push(candidate);
      continue;
    }
    const group = groups.get(keyed.key.index);
    if (group === undefined) groups.set(keyed.key.index, [keyed]);
    else group.push(keyed);
  }
  return { groups, rest };
}

/** Returns the key that selects best; undefined if there is none. */
function chooseKey(candidate: Candidate, selectivity: Selectivity): Keyed | undefined {
  let best: Keyed | undefined;
  let bestRank = 0;
  for (const key of candidate.keys) {
    const conditions: KeyCondition[] = [];
    let most = 0;
    for (const alternative of key.alternatives) {
      let chosen: KeyCondition | undefined;
      let fewest = Number.POSITIVE_INFINITY;
      for (const condition of alternative) {
        if (candidate.met.has(condition)) continue;
        const count = selectivity.candidates(key.index, condition);
        if (count >= fewest) continue;
        fewest = count;
        chosen = condition;
      }
      if (chosen === undefined) break;
      conditions.push(chosen);
      most = Math.max(most, fewest);
    }
    if (conditions.length < key.alternatives.length) continue;
    // Small differences do not matter, so that the filters are spread over few indexes.
    const rank = Math.floor(Math.log2(Math.max(most, FEW_CANDIDATES)));
    if (
      best === undefined ||
      rank < bestRank ||
      (rank === bestRank && key.index.cost < best.key.index.cost)
    ) {
      best = { candidate, key, conditions };
      bestRank = rank;
    }
  }
  return best;
}

interface GroupBucket {
  readonly value: unknown;
  readonly members: Candidate[];
}

function bucketsOf(index: FlowIndex<unknown>, group: readonly Keyed[]): Map<unknown, GroupBucket> {
  const buckets = new Map<unknown, GroupBucket>();
  for (const { candidate, key, conditions } of group) {
    const { filter, tests, met } = candidate;
    // All groups share these, so that their tests are compiled once.
    const sufficient = new Candidate(
      filter,
      tests.filter((test) => test.key !== key),
      met,
    );
    const insufficient = new Candidate(filter, tests, new Set([...met, ...conditions]));
    for (const { values, suffices } of conditions) {
      const member = suffices ? sufficient : insufficient;
      for (const value of values) add(buckets, index.nameOf(value), value, member);
    }
  }
  return buckets;
}

function add(buckets: Map<unknown, GroupBucket>, name: unknown, value: unknown, member: Candidate): void {
  const bucket = buckets.get(name);
  if (bucket === undefined) {
    buckets.set(name, { value, members: [member] });
    return;
  }
  const { members } = bucket;
  const last = members.at(-1);
  if (last?.filter !== member.filter) members.push(member);
  // The filter has the value in two alternatives; the one that suffices leaves fewer tests.
  else if (member.tests.length < last.tests.length) members[members.length - 1] = member;
}
