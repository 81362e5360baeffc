import { createFlowScan } from "../../message/decode-flow.js";
import { type FieldTree, fieldTree } from "../../message/field-tree.js";
import { FlowParts, MAX_PARTS } from "../../message/wire/flow-parts.js";
import type { StringCache } from "../../message/wire/string-cache.js";
import { combineTests, type TestLists, testsOf } from "../combine.js";
import type { FieldTest } from "../field.js";
import { INDEX_SIZE } from "../list-index/compile-group.js";

/** Whether an encoded message in a part of a buffer matches. */
export type EncodedTest = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * Compiles filters into a test of an encoded flow. A single test decodes its fields while the flow is read. Several tests
 * decode theirs when a filter gets that far, because most flows are decided by the first ones.
 */
export function compileStages(lists: TestLists, strings: StringCache): EncodedTest {
  const tests = testsOf(lists);
  const tree = treeOf(tests);
  const scan = createFlowScan(tree, strings);
  const { matches } = combineTests(lists);
  const testWhole: EncodedTest = (bytes, start, end) => matches(scan(bytes, start, end));
  if (tree === true || tests.length < 2) return testWhole;
  const parts = partsOf(tree);
  if (parts.length > MAX_PARTS) return testWhole;
  return compileParts(lists, parts, strings, testWhole);
}

/** The fields that tests read. */
export function treeOf(tests: readonly FieldTest[]): FieldTree | true {
  return fieldTree([...new Set(tests.flatMap(readsOf))]);
}

function readsOf({ reads, readsCases = reads }: FieldTest): readonly string[] {
  return readsCases;
}

/** A part of a flow that is decoded at once. */
interface Part {
  /** One field of the flow, or some of its fields. */
  readonly tree: FieldTree;
  readonly holds: (path: string) => boolean;
}

/** Lists that take long to decode are parts of their own. They are not below a oneof, where the order would matter. */
const LISTS: Readonly<Record<string, string>> = { source: "labels", destination: "labels" };

function partsOf(tree: FieldTree): readonly Part[] {
  return Object.entries(tree).flatMap(([name, below]): Part[] => {
    const list = LISTS[name];
    const labels = list === undefined || below === true ? undefined : below[list];
    if (list === undefined || below === true || labels === undefined) {
      return [{ tree: { [name]: below }, holds: (path) => path === name || path.startsWith(`${name}.`) }];
    }
    const { [list]: _, ...rest } = below;
    const isList = (path: string) => path === `${name}.${list}`;
    const own: Part = { tree: { [name]: { [list]: labels } }, holds: isList };
    if (Object.keys(rest).length === 0) return [own];
    return [own, { tree: { [name]: rest }, holds: (path) => path.startsWith(`${name}.`) && !isList(path) }];
  });
}

/** Thrown if a flow must be decoded as a whole. It is caught here. */
const DECODE_WHOLE = Symbol("decode whole");

function compileParts(
  lists: TestLists,
  parts: readonly Part[],
  strings: StringCache,
  testWhole: EncodedTest,
): EncodedTest {
  const flowParts = new FlowParts(
    parts.map(({ tree }) => tree),
    strings,
  );
  const load = (mask: number) => {
    if (!flowParts.load(mask)) throw DECODE_WHOLE;
  };
  const maskOf = (test: FieldTest) =>
    parts.reduce((mask, { holds }, index) => (readsOf(test).some(holds) ? mask | (1 << index) : mask), 0);
  const withLoading = (test: FieldTest): FieldTest => {
    const mask = maskOf(test);
    const { matches } = test;
    return {
      ...test,
      matches: (flow) => {
        if ((flowParts.loaded & mask) !== mask) load(mask);
        return matches(flow);
      },
    };
  };
  const { matches } = combineTests({
    allow: lists.allow.map(({ message, tests }) => ({ message, tests: tests.map(withLoading) })),
    deny: lists.deny.map(({ message, tests }) => ({ message, tests: tests.map(withLoading) })),
  });
  // An index reads the flow before it calls a test.
  const keyed = [lists.allow, lists.deny]
    .filter(({ length }) => length >= INDEX_SIZE)
    .flatMap((list) => list.flatMap(({ tests }) => tests));
  const first = keyed.reduce((mask, test) => (test.key === undefined ? mask : mask | maskOf(test)), 0);
  return (bytes, start, end) => {
    try {
      if (!flowParts.setFlow(bytes, start, end)) return testWhole(bytes, start, end);
      if (first !== 0) load(first);
      return matches(flowParts.flow);
    } catch (error) {
      if (error !== DECODE_WHOLE) throw error;
      return testWhole(bytes, start, end);
    } finally {
      flowParts.leave();
    }
  };
}
