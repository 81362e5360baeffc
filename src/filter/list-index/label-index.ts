import type { Flow } from "../../gen/flow/flow_pb.js";
import type { LabelRequirement, LabelSelector } from "../labels/index.js";
import { LabelFinder } from "../labels/label-finder.js";
import { anyHolds } from "./any-holds.js";
import {
  alternativesKey,
  type FlowIndex,
  type FlowTest,
  type IndexKey,
  type KeyCondition,
} from "./flow-index.js";

/** A label that a flow must have; with any value if it is undefined. */
export interface WantedLabel {
  readonly source: string;
  readonly key: string;
  /** As in {@link LabelRequirement}. */
  readonly hasNoLabel: boolean;
  readonly value: string | undefined;
}

/** The key of a field that matches if any of the selectors does. */
export function selectorsKey(
  index: FlowIndex<WantedLabel>,
  selectors: readonly LabelSelector[],
): IndexKey<WantedLabel> | undefined {
  return alternativesKey(
    index,
    selectors.map(({ requirements }) =>
      requirements.flatMap((one) => conditionsOf(one, requirements.length === 1)),
    ),
  );
}

function conditionsOf(
  { source, key, hasNoLabel = false, operator, values }: LabelRequirement,
  isOnly: boolean,
): KeyCondition<WantedLabel>[] {
  const wanted = (value: string | undefined): WantedLabel => ({ source, key, hasNoLabel, value });
  switch (operator) {
    case "in":
    case "=":
    case "==":
      return [{ values: values.map(wanted), suffices: isOnly }];
    case "exists":
      return [{ values: [wanted(undefined)], suffices: isOnly }];
    case ">":
    case "<":
      return [{ values: [wanted(undefined)], suffices: false }];
    default:
      // The other operators also hold without the label.
      return [];
  }
}

interface LookupTests {
  readonly byValue: Map<string, FlowTest[]>;
  readonly others: FlowTest[];
}

/** An index by the labels of a flow. As in selectors, only the first label with a key counts. */
export function labelIndex(
  cost: number,
  read: (flow: Flow) => readonly string[] | undefined,
): FlowIndex<WantedLabel> {
  return {
    cost,
    // Keys contain no equals sign.
    nameOf: ({ source, key, value }) => `${source}:${key}${value === undefined ? "" : `=${value}`}`,
    compile(buckets) {
      const finder = new LabelFinder();
      const collected: LookupTests[] = [];
      for (const { value: label, test } of buckets) {
        // Keys of prefixes have several spellings, which share a lookup.
        const lookup = finder.add(label.source, label.key, label.hasNoLabel);
        collected[lookup] ??= { byValue: new Map(), others: [] };
        const { byValue, others } = collected[lookup];
        if (label.value === undefined) others.push(test);
        else {
          const own = byValue.get(label.value);
          if (own === undefined) byValue.set(label.value, [test]);
          else own.push(test);
        }
      }
      const lookups = collected.map(({ byValue, others }) => ({
        byValue: new Map([...byValue].map(([value, tests]) => [value, anyHolds(tests)])),
        others: others.length === 0 ? undefined : anyHolds(others),
      }));
      return (flow) => {
        const labels = read(flow);
        if (labels === undefined || labels.length === 0) return false;
        finder.find(labels);
        for (let index = 0; index < finder.foundCount; index++) {
          const lookup = finder.found[index]!;
          const { byValue, others } = lookups[lookup]!;
          if (others?.(flow) === true) return true;
          if (byValue.size === 0) continue;
          const value = labels[finder.label[lookup]!]!.slice(finder.value[lookup]!);
          if (byValue.get(value)?.(flow) === true) return true;
        }
        return false;
      };
    },
  };
}
