// How much is tested: a part by `npm test`, all by `npm run test:long`. A file that uses this has a twin
// `*.long.test.ts` that imports it.
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** Whether the project is `long`. */
    readonly long: boolean;
  }
}

/** Whether everything is tested. */
export const isLong: boolean = inject("long");

/** The minimum of runs of a property in the quick tests: half the default of fast-check. */
const MIN_RUNS = 50;

/** What all runs are multiplied by, for a search that takes hours. */
const FACTOR = Number(process.env.FLOWSCRIBE_RUNS ?? 1);

/** The runs of a property: `full` in the long tests, a twentieth of it in the quick ones but at least 50. */
export function runs(full: number): number {
  return FACTOR * (isLong ? full : Math.min(full, Math.max(MIN_RUNS, Math.ceil(full / 20))));
}

/** An amount that is not about runs: packets, rounds, bytes. */
export function amount({ quick, long }: { readonly quick: number; readonly long: number }): number {
  return isLong ? long : quick;
}

/** All values in the long tests, every `step`-th in the quick ones, beginning with the first. */
export function everyNth<T>(step: number, values: readonly T[]): T[] {
  return isLong ? [...values] : values.filter((_, index) => index % step === 0);
}

/** The suffix of a title for {@link everyNth}; empty in the long tests. */
export function nth(step: number): string {
  return isLong ? "" : `, one in ${step}`;
}
