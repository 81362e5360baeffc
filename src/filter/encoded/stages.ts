import { createFlowScan } from "../../message/decode-flow.js";
import { type FieldTree, fieldTree } from "../../message/field-tree.js";
import { MAX_PARTS } from "../../message/wire/flow-parts.js";
import type { StringCache } from "../../message/wire/string-cache.js";
import { combineTests, readsOf, type TestLists, testsOf } from "../combine.js";
import { type IgnoresLabel, RelevantLabels } from "../labels/relevant-labels.js";
import { compileParts } from "./compile-parts.js";
import { partsOf } from "./parts.js";

/** Whether an encoded message in a part of a buffer matches. */
export type EncodedTest = (bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * Compiles filters into a test of an encoded flow. A single test decodes its fields while the flow is read. Several tests
 * decode theirs when a filter gets that far, because most flows are decided by the first ones.
 */
export function compileStages(lists: TestLists, strings: StringCache): EncodedTest {
  const tests = testsOf(lists);
  const tree = treeOf(lists);
  const testWhole = compileWhole(lists, tree, strings);
  if (tree === true) return testWhole;
  if (tests.length < 2) {
    const ignores = tests[0]?.ignoresLabel;
    return ignores === undefined ? testWhole : compileLabels(lists, tree, strings, ignores, testWhole);
  }
  const parts = partsOf(tree);
  return parts.length > MAX_PARTS ? testWhole : compileParts(lists, parts, strings, testWhole);
}

/** The fields that filters read. */
export function treeOf(lists: TestLists): FieldTree | true {
  return fieldTree([...new Set(readsOf(lists))]);
}

function compileWhole(lists: TestLists, tree: FieldTree | true, strings: StringCache): EncodedTest {
  const scan = createFlowScan(tree, strings);
  const { matches } = combineTests(lists);
  return (bytes, start, end) => matches(scan(bytes, start, end));
}

/** Compiles a single test that only reads labels. */
function compileLabels(
  lists: TestLists,
  tree: FieldTree,
  strings: StringCache,
  ignores: IgnoresLabel,
  testWhole: EncodedTest,
): EncodedTest {
  const labels = new RelevantLabels(strings, ignores);
  const scan = createFlowScan(tree, labels);
  const { matches } = combineTests(lists);
  return (bytes, start, end) => {
    labels.reset();
    const flow = scan(bytes, start, end);
    return labels.suffice ? matches(flow) : testWhole(bytes, start, end);
  };
}
