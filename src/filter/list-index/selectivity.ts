import type { FlowIndex, IndexKey, KeyCondition } from "./flow-index.js";

/** What is counted: a filter with keys. */
export interface KeyedFilter {
  readonly keys: readonly IndexKey[];
  /** The conditions that the flows are already known to meet. */
  readonly met: ReadonlySet<KeyCondition>;
}

interface Count {
  readonly value: unknown;
  filters: number;
  /** The filter that was counted last, as a filter can have a value several times. */
  last: KeyedFilter;
}

/** Estimates how many filters remain candidates for a flow if filters are indexed by a condition. */
export class Selectivity {
  readonly #counts = new Map<FlowIndex<unknown>, Map<unknown, Count>>();

  constructor(filters: readonly KeyedFilter[]) {
    for (const filter of filters) {
      for (const { index, alternatives } of filter.keys) {
        for (const condition of alternatives.flat()) {
          if (!filter.met.has(condition)) this.#count(filter, index, condition.values);
        }
      }
    }
    for (const [index, counts] of this.#counts) addIncluded(index, counts);
  }

  /** The number of filters that share the most common value of a condition, or a value that includes it. */
  candidates(index: FlowIndex<unknown>, { values }: KeyCondition): number {
    const counts = this.#counts.get(index);
    let most = 0;
    for (const value of values) most = Math.max(most, counts?.get(index.nameOf(value))?.filters ?? 0);
    return most;
  }

  #count(filter: KeyedFilter, index: FlowIndex<unknown>, values: readonly unknown[]): void {
    let counts = this.#counts.get(index);
    if (counts === undefined) {
      counts = new Map();
      this.#counts.set(index, counts);
    }
    for (const value of values) {
      const name = index.nameOf(value);
      const known = counts.get(name);
      if (known === undefined) counts.set(name, { value, filters: 1, last: filter });
      else if (known.last !== filter) {
        known.filters++;
        known.last = filter;
      }
    }
  }
}

/** Adds to each count those of the values that include it: a flow with the value has these, too. */
function addIncluded(index: FlowIndex<unknown>, counts: ReadonlyMap<unknown, Count>): void {
  if (index.pathOf === undefined) return;
  const sorted = [...counts.values()]
    .map((count) => ({ count, path: index.pathOf!(count.value) }))
    .sort(({ path: a }, { path: b }) => (a < b ? -1 : 1));
  const open: typeof sorted = [];
  for (const one of sorted) {
    while (open.length > 0 && !one.path.startsWith(open.at(-1)!.path)) open.pop();
    one.count.filters += open.at(-1)?.count.filters ?? 0;
    open.push(one);
  }
}
