import { cleanLabel, type LabelValue } from "./label-values.js";

/** The series of a metric by the values of its labels. */
export type Labels = Readonly<Record<string, string>>;

/** A level of the tree: by the value of one label, the next level or, at the last label, the series. */
type Level<S> = Map<LabelValue, Level<S> | S>;

export interface SeriesTreeOptions<S> {
  /** The names of the labels, at least one. */
  readonly labelNames: readonly string[];
  /** Maximum number of series. */
  readonly maxSeries: number;
  readonly create: (labels: Labels) => S;
}

interface Entry<S> {
  readonly values: readonly LabelValue[];
  readonly series: S;
}

/**
 * Finds the series of label values without building a key: a map for each label, whose keys are strings of the flow, with
 * hashes that V8 has computed before, and numbers. Different values never collide, as they do in joined strings.
 */
export class SeriesTree<S> {
  readonly #root: Level<S> = new Map();
  readonly #entries = new Set<Entry<S>>();
  readonly #options: SeriesTreeOptions<S>;
  readonly #last: number;

  constructor(options: SeriesTreeOptions<S>) {
    this.#options = options;
    this.#last = options.labelNames.length - 1;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Returns the series of these values, which it creates if needed; undefined for new values when the tree is full.
   *
   * @param values One for each label; not kept.
   */
  get(values: readonly LabelValue[]): S | undefined {
    return this.#find(values) ?? this.#add(values);
  }

  /** All series, in the order in which they were created. */
  *series(): Generator<S, void, undefined> {
    for (const { series } of this.#entries) yield series;
  }

  /** Removes the series whose label values the predicate selects. */
  removeWhere(isRemoved: (values: readonly LabelValue[]) => boolean): void {
    for (const entry of this.#entries) {
      if (!isRemoved(entry.values)) continue;
      this.#entries.delete(entry);
      this.#remove(this.#root, entry.values, 0);
    }
  }

  clear(): void {
    this.#root.clear();
    this.#entries.clear();
  }

  #find(values: readonly LabelValue[]): S | undefined {
    let level = this.#root;
    for (let index = 0; index < this.#last; index++) {
      const next = level.get(values[index]!);
      if (next === undefined) return undefined;
      // Above the last label, maps hold levels only.
      level = next as Level<S>;
    }
    // The maps of the last label hold series only.
    return level.get(values[this.#last]!) as S | undefined;
  }

  #add(given: readonly LabelValue[]): S | undefined {
    const values = given.map(cleanLabel);
    const known = this.#find(values);
    if (known !== undefined) return known;
    const { labelNames, maxSeries, create } = this.#options;
    if (this.#entries.size >= maxSeries) return undefined;
    const series = create(Object.fromEntries(labelNames.map((name, index) => [name, String(values[index])])));
    this.#entries.add({ values, series });
    let level = this.#root;
    for (const value of values.slice(0, -1)) {
      // As in `#find`.
      const next = (level.get(value) as Level<S> | undefined) ?? new Map();
      level.set(value, next);
      level = next;
    }
    level.set(values[this.#last]!, series);
    return series;
  }

  /** Also removes levels that are empty then. */
  #remove(level: Level<S>, values: readonly LabelValue[], index: number): void {
    const value = values[index]!;
    if (index < this.#last) {
      // As in `#find`.
      const next = level.get(value) as Level<S>;
      this.#remove(next, values, index + 1);
      if (next.size > 0) return;
    }
    level.delete(value);
  }
}
