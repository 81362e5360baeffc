/** Pseudo-random numbers that are the same in every run. */
export interface Random {
  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number;
  pick<T>(values: readonly T[]): T;
}

/** Mulberry32, by Tommy Ettinger, in the public domain. */
export function createRandom(seed: number): Random {
  let state = seed;
  function below(limit: number): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
  return {
    below,
    pick: (values) => {
      if (values.length === 0) throw new Error("nothing to pick from");
      // In bounds because of `below`.
      return values[below(values.length)] as never;
    },
  };
}
