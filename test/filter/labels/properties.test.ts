import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CidrLabelMemo, parseCidrKey } from "../../../src/filter/labels/cidr-label.js";
import {
  compileLabelSelector,
  compileLabelSelectors,
  formatLabelSelector,
  formatRequirement,
  type LabelOperator,
  type LabelRequirement,
  LabelSelectorError,
  parseLabel,
  traceLabelSelector,
} from "../../../src/filter/labels/index.js";
import { naiveMatches } from "./naive.js";

const source = fc.constantFrom("any", "any", "k8s", "k8s", "container", "reserved", "cidr");
const key = fc.oneof(
  fc.constantFrom("app", "app", "tier", "ap", "appl", "host", "k8s.app", "reserved.host", "x.y/z", "in"),
  fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "10.0.0.0/08", "11.0.0.0/7"),
);
const value = fc.constantFrom("", "a", "b", "aa", "web", "1", "2", "007", "notin", "9223372036854775807");
const number = fc.constantFrom("0", "1", "2", "007", "9223372036854775807");

const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  make(fc.constantFrom("exists", "!"), fc.constant([])),
  make(
    fc.constantFrom("=", "==", "!="),
    value.map((one) => [one]),
  ),
  make(
    fc.constantFrom(">", "<"),
    number.map((one) => [one]),
  ),
  make(
    fc.constantFrom("in", "notin"),
    fc.uniqueArray(value, { minLength: 1, maxLength: 12 }).map((values) => values.sort()),
  ),
);

function make(
  operator: fc.Arbitrary<LabelOperator>,
  values: fc.Arbitrary<string[]>,
): fc.Arbitrary<LabelRequirement> {
  return fc.record({ source, key, operator, values });
}

const selector = fc.array(requirement, { minLength: 1, maxLength: 4 });
const selectors = fc.array(selector, { minLength: 1, maxLength: 4 });

/** How a label may be written, well and not so well. */
const label = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        "k8s:",
        "k8s:",
        "any:",
        "container:",
        "cidr:",
        "",
        ":",
        "reserved:",
        "$",
        "reserved.",
        "a=b:",
      ),
      fc.oneof(key, fc.constant("")),
      fc.constantFrom("=", "=", "=", "", "=="),
      fc.oneof(value, fc.constantFrom("-1", "+2", "a:b", "a=b")),
    )
    .map((parts) => parts.join("")),
  fc.string({
    unit: fc.constantFrom("$", ":", "=", ".", "/", "-", "a", "app", "k8s", "reserved", "cidr", "1", "é"),
  }),
);
const labels = fc.option(fc.array(label, { maxLength: 30 }), { nil: undefined });

const textOf = (requirements: readonly LabelRequirement[]) => requirements.map(formatRequirement).join(",");

describe("selectors", () => {
  test("agree with a naive reading of the rules", () => {
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        expect(compileLabelSelectors(list.map(textOf))(event)).toBe(naiveMatches(list, event));
      }),
      { numRuns: 5000 },
    );
  });

  test("answer the same one by one and in any order", () => {
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        const texts = list.map(textOf);
        const answer = compileLabelSelectors(texts)(event);
        expect(compileLabelSelectors([...texts].reverse())(event)).toBe(answer);
        expect(compileLabelSelectors(list.map((one) => textOf([...one].reverse())))(event)).toBe(answer);
        expect(texts.some((text) => compileLabelSelectors([text])(event))).toBe(answer);
      }),
      { numRuns: 1000 },
    );
  });

  test("answer the same when there are so many keys that they are looked up in a map", () => {
    const more = Array.from(
      { length: 20 },
      (_, index) => `never-${index}=x,k8s:never=${index},reserved:never`,
    );
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        const texts = list.map(textOf);
        expect(compileLabelSelectors([...more, ...texts])(event)).toBe(compileLabelSelectors(texts)(event));
      }),
      { numRuns: 2000 },
    );
  });

  test("remember nothing of an event", () => {
    fc.assert(
      fc.property(selectors, fc.array(labels, { maxLength: 8 }), (list, events) => {
        const texts = list.map(textOf);
        const matches = compileLabelSelectors(texts);
        expect(events.map((event) => matches(event))).toEqual(
          events.map((event) => compileLabelSelectors(texts)(event)),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("are explained as they answer, by labels with their keys", () => {
    fc.assert(
      fc.property(selector, labels, (requirements, event) => {
        const compiled = compileLabelSelector(textOf(requirements));
        const traces = traceLabelSelector(compiled, event);
        expect(traces.every(({ holds }) => holds)).toBe(compileLabelSelectors([compiled])(event));
        traces.forEach((trace, index) => {
          const wanted = requirements[index]!;
          if (trace.label !== undefined && wanted.source !== "cidr") {
            expect(parseLabel(trace.label).key).toBe(wanted.key);
          }
        });
      }),
      { numRuns: 1000 },
    );
  });

  test("read back what they are formatted as", () => {
    fc.assert(
      fc.property(selector, (requirements) => {
        const compiled = compileLabelSelector(textOf(requirements));
        expect(compiled.requirements).toEqual(requirements);
        expect(formatLabelSelector(compiled)).toBe(textOf(requirements));
      }),
    );
  });

  test("may have white space wherever tokens meet", () => {
    const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
    fc.assert(
      fc.property(selector, space, labels, (requirements, blank, event) => {
        const spaced = textOf(requirements).replaceAll(/==|!=|[=!(),<>]/g, `${blank}$&${blank}`);
        expect(compileLabelSelectors([spaced])(event)).toBe(naiveMatches([requirements], event));
      }),
    );
  });
});

describe("any text", () => {
  const nonsense = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      unit: fc.constantFrom(
        "a",
        "k8s:",
        "in",
        "notin",
        " ",
        "(",
        ")",
        ",",
        "!",
        "=",
        "<",
        ">",
        "/",
        "\0",
        "\u0085",
        "é",
      ),
      maxLength: 30,
    }),
  );

  test("is a selector or a LabelSelectorError", () => {
    fc.assert(
      fc.property(nonsense, labels, (text, event) => {
        try {
          const compiled = compileLabelSelector(text);
          expect(typeof compileLabelSelectors([compiled])(event)).toBe("boolean");
          expect(compileLabelSelector(formatLabelSelector(compiled)).requirements).toEqual(
            compiled.requirements,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(LabelSelectorError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test("is a label that no predicate throws on", () => {
    const matches = compileLabelSelectors(["a=b", "cidr:10.0.0.0/8", "!reserved:host", "k8s:x>3"]);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 40 }), (event) => {
        expect(typeof matches(event)).toBe("boolean");
      }),
    );
  });
});

describe("prefixes of labels", () => {
  const written = fc.oneof(
    key,
    fc.ipV4().map((address) => `${address}/24`),
    fc.ipV6().map((address) => `${address.replaceAll(":", "-")}/64`),
  );

  test("are read alike with and without a memory", () => {
    const memo = new CidrLabelMemo(4);
    fc.assert(
      fc.property(written, fc.constantFrom("", "=", "=x", `=${"x".repeat(200)}`), (prefix, end) => {
        const expected = parseCidrKey(prefix);
        expect(memo.read(`cidr:${prefix}${end}`)).toEqual(expected);
        expect(memo.read(`cidr:${prefix}${end}`)).toEqual(expected);
        expect(memo.size).toBeLessThanOrEqual(4);
      }),
    );
  });
});
