import type { Flow } from "../../gen/flow/flow_pb.js";
import { FlowParts } from "../../message/wire/flow-parts.js";
import type { StringCache } from "../../message/wire/string-cache.js";
import { cheapFirst, fieldsOf, type TestLists, testsOf } from "../combine.js";
import type { FieldTest } from "../field.js";
import { type IgnoresLabel, RelevantLabels } from "../labels/relevant-labels.js";
import { compileFilters, INDEX_SIZE, type ListedFilter } from "../list-index/compile-group.js";
import type { Part } from "./parts.js";
import type { EncodedTest } from "./stages.js";

/** Compiles filters into a test that decodes each part of a flow when a filter needs it. */
export function compileParts(
  lists: TestLists,
  parts: readonly Part[],
  strings: StringCache,
  testWhole: EncodedTest,
): EncodedTest {
  const flow = new LazyFlow(lists, parts, strings);
  const allowed = lists.allow.length === 0 ? () => true : compileAny(lists.allow, flow);
  const denied = compileAny(lists.deny, flow);
  return (bytes, start, end) => {
    try {
      if (!flow.setFlow(bytes, start, end)) return testWhole(bytes, start, end);
      return allowed() && !denied();
    } catch (error) {
      if (error !== DECODE_WHOLE) throw error;
      return testWhole(bytes, start, end);
    } finally {
      flow.leave();
    }
  };
}

/** Thrown if a flow must be decoded as a whole. It is caught here. */
const DECODE_WHOLE = Symbol("decode whole");

/** An encoded flow of which parts are decoded when tests need them. */
class LazyFlow {
  readonly flow: Flow;
  readonly #parts: readonly Part[];
  readonly #flowParts: FlowParts;
  readonly #labels: readonly RelevantLabels[];

  constructor(lists: TestLists, parts: readonly Part[], strings: StringCache) {
    this.#parts = parts;
    const readers = parts.map(
      (part): StringCache | RelevantLabels => relevantLabels(part, lists, strings) ?? strings,
    );
    this.#labels = readers.filter((reader) => reader instanceof RelevantLabels);
    this.#flowParts = new FlowParts(parts.map(({ tree }, index) => ({ tree, strings: readers[index]! })));
    this.flow = this.#flowParts.flow;
  }

  /** The parts that a test reads: a bit for each. */
  maskOf(test: FieldTest): number {
    return this.#parts.reduce(
      (mask, { holds }, index) => (fieldsOf(test).some(holds) ? mask | (1 << index) : mask),
      0,
    );
  }

  setFlow(bytes: Uint8Array, start: number, end: number): boolean {
    for (let index = 0; index < this.#labels.length; index++) this.#labels[index]!.reset();
    return this.#flowParts.setFlow(bytes, start, end);
  }

  leave(): void {
    this.#flowParts.leave();
  }

  /** @throws {@link DECODE_WHOLE} */
  load(mask: number): void {
    if ((this.#flowParts.loaded & mask) === mask) return;
    if (!this.#flowParts.load(mask)) throw DECODE_WHOLE;
    for (let index = 0; index < this.#labels.length; index++) {
      if (!this.#labels[index]!.suffice) throw DECODE_WHOLE;
    }
  }
}

/** Reads a part that consists of labels; undefined if a test needs all of them, or the part has other fields. */
function relevantLabels({ holds }: Part, lists: TestLists, strings: StringCache): RelevantLabels | undefined {
  const isReader = (test: FieldTest) => fieldsOf(test).some(holds);
  // An index reads all labels.
  const isIndexed = [lists.allow, lists.deny].some(
    (list) => list.length >= INDEX_SIZE && list.some(({ tests }) => tests.some(isReader)),
  );
  const readers = testsOf(lists).filter(isReader);
  const ignores = readers.flatMap(({ ignoresLabel = [] }) => ignoresLabel);
  if (isIndexed || ignores.length < readers.length) return undefined;
  return new RelevantLabels(strings, allIgnore(ignores));
}

function allIgnore(tests: readonly IgnoresLabel[]): IgnoresLabel {
  const [only] = tests;
  if (only !== undefined && tests.length === 1) return only;
  return (bytes, start, length) => tests.every((ignores) => ignores(bytes, start, length));
}

/** Compiles a list into a test of the flow that holds if any of its filters does. */
function compileAny(list: readonly ListedFilter[], lazy: LazyFlow): () => boolean {
  const filters = list.map(cheapFirst);
  return filters.length < INDEX_SIZE ? compileFew(filters, lazy) : compileMany(filters, lazy);
}

/** Tests the filters one by one. */
function compileFew(list: readonly ListedFilter[], lazy: LazyFlow): () => boolean {
  const filters = list.map(({ tests }) =>
    tests.map((test) => ({ mask: lazy.maskOf(test), matches: test.matches })),
  );
  const { flow } = lazy;
  return () => {
    for (let index = 0; index < filters.length; index++) {
      const tests = filters[index]!;
      let position = 0;
      for (; position < tests.length; position++) {
        const { mask, matches } = tests[position]!;
        lazy.load(mask);
        if (!matches(flow)) break;
      }
      if (position === tests.length) return true;
    }
    return false;
  };
}

/** Uses an index, which reads its part of the flow before it calls a test. */
function compileMany(list: readonly ListedFilter[], lazy: LazyFlow): () => boolean {
  const indexed = list.flatMap(({ tests }) => tests).filter(({ key }) => key !== undefined);
  const first = indexed.reduce((mask, test) => mask | lazy.maskOf(test), 0);
  const loading = (test: FieldTest): FieldTest => {
    const mask = lazy.maskOf(test);
    const { matches } = test;
    return {
      ...test,
      matches: (flow) => {
        lazy.load(mask);
        return matches(flow);
      },
    };
  };
  const matches = compileFilters(list.map(({ message, tests }) => ({ message, tests: tests.map(loading) })));
  return () => {
    lazy.load(first);
    return matches(lazy.flow);
  };
}
