import type { FieldTest } from "./field.js";
import { type AnyTest, compileAny } from "./filter-list.js";
import type { ListedFilter } from "./list-index/compile-group.js";

/** The filters of both lists. */
export interface TestLists {
  readonly allow: readonly ListedFilter[];
  readonly deny: readonly ListedFilter[];
}

/** The tests of all filters. */
export function testsOf({ allow, deny }: TestLists): FieldTest[] {
  return [...allow, ...deny].flatMap(({ tests }) => tests);
}

/** The fields of a Flow that the filters read, as paths; a oneof of which only the case is read by its own name. */
export function readsOf(lists: TestLists): string[] {
  return testsOf(lists).flatMap(fieldsOf);
}

/** The same for one test. */
export function fieldsOf({ reads, readsCases = reads }: FieldTest): readonly string[] {
  return readsCases;
}

/** Combines both lists: an event passes if `allow` is empty or one of its filters matches, and none of `deny` does. */
export function combineTests({ allow, deny }: TestLists): AnyTest {
  if (allow.length === 0 && deny.length === 0) return { matches: () => true, matchesOther: () => true };
  const denied = compileAny(deny.map(cheapFirst));
  if (allow.length === 0) {
    return {
      matches: (flow) => !denied.matches(flow),
      matchesOther: (event) => !denied.matchesOther(event),
    };
  }
  const allowed = compileAny(allow.map(cheapFirst));
  if (deny.length === 0) return allowed;
  return {
    matches: (flow) => allowed.matches(flow) && !denied.matches(flow),
    matchesOther: (event) => allowed.matchesOther(event) && !denied.matchesOther(event),
  };
}

const COSTS = { cheap: 0, moderate: 1, expensive: 2 } as const;

/** The filter with its cheapest tests first. */
export function cheapFirst({ message, tests }: ListedFilter): ListedFilter {
  return { message, tests: [...tests].sort((a, b) => COSTS[a.cost] - COSTS[b.cost]) };
}
