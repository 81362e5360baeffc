import type { Flow } from "../../gen/flow/flow_pb.js";
import type { FlowIndex } from "./flow-index.js";

type Primitive = string | number | bigint | boolean;

/** An index by a value of which a flow has at most one. */
export function valueIndex<Value extends Primitive>(
  cost: number,
  read: (flow: Flow) => Value | undefined,
): FlowIndex<Value> {
  return {
    cost,
    nameOf: (value) => value,
    compile(buckets) {
      const tests = new Map(buckets.map(({ value, test }) => [value, test]));
      return (flow) => {
        const value = read(flow);
        if (value === undefined) return false;
        const test = tests.get(value);
        return test?.(flow) === true;
      };
    },
  };
}

/** An index by a value that either of two parts of a flow can have. */
export function valuesIndex<Value extends Primitive>(
  cost: number,
  readFirst: (flow: Flow) => Value | undefined,
  readSecond: (flow: Flow) => Value | undefined,
): FlowIndex<Value> {
  const first = valueIndex(cost, readFirst);
  const second = valueIndex(cost, readSecond);
  return {
    ...first,
    compile(buckets) {
      const inFirst = first.compile(buckets);
      const inSecond = second.compile(buckets);
      return (flow) => inFirst(flow) || inSecond(flow);
    },
  };
}

/** Two values of one part of a flow; undefined matches any. */
export interface Pair<First extends Primitive, Second extends Primitive> {
  readonly first: First | undefined;
  readonly second: Second | undefined;
}

/**
 * An index by two values of a part of the flow, either of which may be unset in a filter.
 *
 * @param read Returns the part, or a list of parts, any of which may have the values.
 */
export function pairIndex<Part extends object, First extends Primitive, Second extends Primitive>(
  cost: number,
  read: (flow: Flow) => Part | readonly Part[] | undefined,
  firstOf: (part: Part) => First,
  secondOf: (part: Part) => Second,
): FlowIndex<Pair<First, Second>> {
  return {
    cost,
    nameOf: ({ first, second }) => JSON.stringify([first ?? null, second ?? null]),
    compile(buckets) {
      const bySecond = new Map<First | undefined, Map<Second | undefined, (flow: Flow) => boolean>>();
      for (const { value, test } of buckets) {
        const { first, second } = value;
        const tests = bySecond.get(first);
        if (tests === undefined) bySecond.set(first, new Map([[second, test]]));
        else tests.set(second, test);
      }
      const ofAny = bySecond.get(undefined);
      const matchesPart = (part: Part, flow: Flow) => {
        const tests = bySecond.get(firstOf(part));
        if (tests === undefined && ofAny === undefined) return false;
        const second = secondOf(part);
        return (
          tests?.get(second)?.(flow) === true ||
          tests?.get(undefined)?.(flow) === true ||
          ofAny?.get(second)?.(flow) === true ||
          ofAny?.get(undefined)?.(flow) === true
        );
      };
      return (flow) => {
        const parts = read(flow);
        if (parts === undefined) return false;
        if (!isList(parts)) return matchesPart(parts, flow);
        for (let index = 0; index < parts.length; index++) if (matchesPart(parts[index]!, flow)) return true;
        return false;
      };
    },
  };
}

function isList<Part extends object>(parts: Part | readonly Part[]): parts is readonly Part[] {
  return Array.isArray(parts);
}
