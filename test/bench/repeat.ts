import type { Flow } from "../../dist/proto.js";

/** Passes over the flows for some time: how many matched, and nanoseconds per flow. */
export function repeat(
  flows: readonly Flow[],
  predicate: (flow: Flow) => boolean,
  milliseconds: number,
): { matched: number; ns: number } {
  const start = performance.now();
  let elapsed: number;
  let matched: number;
  let passes = 0;
  do {
    matched = count(flows, predicate);
    passes++;
    elapsed = performance.now() - start;
  } while (elapsed < milliseconds);
  return { matched, ns: (1e6 * elapsed) / (passes * flows.length) };
}

/** How many flows match, in one pass. */
export function count(flows: readonly Flow[], predicate: (flow: Flow) => boolean): number {
  let matched = 0;
  for (let index = 0; index < flows.length; index++) if (predicate(flows[index]!)) matched++;
  return matched;
}
