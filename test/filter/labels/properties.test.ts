import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFlowFilters, type FlowFilterLists } from "../../../src/filter/compile.js";
import { CidrIndex } from "../../../src/filter/labels/cidr-index.js";
import {
  CidrKeyMemo,
  cidrKeyContains,
  cidrKeyName,
  parseCidrKey,
} from "../../../src/filter/labels/cidr-label.js";
import {
  compileLabelSelector,
  compileLabelSelectors,
  compileLabelTraces,
  LabelSelectorError,
} from "../../../src/filter/labels/index.js";
import { parseLabel } from "../../../src/filter/labels/label.js";
import {
  formatRequirement,
  type LabelOperator,
  type LabelRequirement,
} from "../../../src/filter/labels/requirement.js";
import { FlowSchema } from "../../../src/gen/flow/flow_pb.js";
import { rulesOf } from "../../../src/hubble/version.js";
import { runs } from "../../support/amount.js";
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

describe("compileLabelSelectors: any selectors", () => {
  test("match as the naive implementation", () => {
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        expect(compileLabelSelectors(list.map(textOf))(event)).toBe(naiveMatches(list, event));
      }),
      { numRuns: runs(5000) },
    );
  });

  test("match as the naive implementation with the rules of 1.19", () => {
    const rules = rulesOf("1.19");
    let changed = 0;
    fc.assert(
      fc.property(selectors, labels, fc.boolean(), (list, others = [], hasOwn) => {
        const own = list.flat().map(({ source, key, values: [value = ""] }) => `${source}:${key}=${value}`);
        const event = hasOwn ? [...own, ...others] : others;
        const compiled = list.map((one) => compileLabelSelector(textOf(one), rules));
        const expected = naiveMatches(list, event, "unequal");
        expect(compileLabelSelectors(compiled)(event)).toBe(expected);
        const traces = compileLabelTraces(compiled)(event);
        expect(traces.some(({ holds }) => holds)).toBe(expected);
        if (expected !== naiveMatches(list, event)) changed++;
      }),
      { numRuns: runs(5000) },
    );
    expect(changed).toBeGreaterThan(0);
  });

  test("match encoded flows alike, whether the filter has another field or not", () => {
    fc.assert(
      fc.property(selectors, selectors, labels, fc.boolean(), (list, others, sourceLabels, hasMany) => {
        const flow = create(FlowSchema, {
          source: sourceLabels === undefined ? undefined : { podName: "web-1", labels: sourceLabels },
          destination: { labels: sourceLabels ?? [] },
          nodeLabels: sourceLabels ?? [],
        });
        const sourceLabel = list.map(textOf);
        const filter = { sourceLabel, destinationLabel: others.map(textOf) };
        const lists: FlowFilterLists[] = [
          { allow: [{ sourceLabel }] },
          { allow: [{ nodeLabels: sourceLabel }] },
          { allow: [filter], deny: [{ sourcePod: ["/web-2"] }, { sourceLabel: filter.destinationLabel }] },
          { allow: hasMany ? Array.from({ length: 9 }, () => filter) : [filter, { sourceLabel }] },
        ];
        for (const one of lists) {
          const matches = compileFlowFilters(one);
          expect(matches.bytes(toBinary(FlowSchema, flow))).toBe(matches(flow));
        }
      }),
      { numRuns: runs(5000) },
    );
  });

  test("match alike alone and in any order", () => {
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        const texts = list.map(textOf);
        const answer = compileLabelSelectors(texts)(event);
        expect(compileLabelSelectors([...texts].reverse())(event)).toBe(answer);
        expect(compileLabelSelectors(list.map((one) => textOf([...one].reverse())))(event)).toBe(answer);
        expect(texts.some((text) => compileLabelSelectors([text])(event))).toBe(answer);
      }),
      { numRuns: runs(1000) },
    );
  });

  test("match alike with so many keys that they are looked up in a map", () => {
    const more = Array.from(
      { length: 20 },
      (_, index) => `never-${index}=x,k8s:never=${index},reserved:never`,
    );
    fc.assert(
      fc.property(selectors, labels, (list, event) => {
        const texts = list.map(textOf);
        expect(compileLabelSelectors([...more, ...texts])(event)).toBe(compileLabelSelectors(texts)(event));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("match alike with so many selectors that they are looked up by labels", () => {
    const many = fc.array(selector, { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(many, labels, (list, event) => {
        expect(compileLabelSelectors(list.map(textOf))(event)).toBe(naiveMatches(list, event));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("match alike among many that do not match", () => {
    const never: LabelRequirement = { source: "k8s", key: "app", operator: "=", values: ["never"] };
    fc.assert(
      fc.property(fc.array(selector, { minLength: 1, maxLength: 3 }), labels, (list, event) => {
        const failing = Array.from({ length: 9 }, (_, index) => [
          { ...never, values: [`never-${index}`] },
          ...list[index % list.length]!,
        ]);
        const all = [...failing, ...list];
        expect(compileLabelSelectors(all.map(textOf))(event)).toBe(naiveMatches(list, event));
      }),
      { numRuns: runs(2000) },
    );
  });

  test("have no state from an earlier event", () => {
    fc.assert(
      fc.property(selectors, fc.array(labels, { maxLength: 8 }), (list, events) => {
        const texts = list.map(textOf);
        const matches = compileLabelSelectors(texts);
        expect(events.map((event) => matches(event))).toEqual(
          events.map((event) => compileLabelSelectors(texts)(event)),
        );
      }),
      { numRuns: runs(500) },
    );
  });

  test("are explained as they match, by labels with their keys", () => {
    fc.assert(
      fc.property(selectors, labels, fc.boolean(), (list, others = [], hasOwn) => {
        const own = list.flat().map(({ source, key, values: [value = ""] }) => `${source}:${key}=${value}`);
        const event = hasOwn ? [...own, ...others] : others;
        const compiled = list.map((one) => compileLabelSelector(textOf(one)));
        const traces = compileLabelTraces(compiled)(event);
        traces.forEach(({ selector, holds, requirements }, at) => {
          expect(selector).toBe(textOf(list[at]!));
          expect(holds).toBe(compileLabelSelectors([selector])(event));
          expect(holds).toBe(requirements.every((one) => one.holds));
          requirements.forEach(({ requirement, label, holds }, index) => {
            const wanted = list[at]![index]!;
            expect(requirement).toBe(formatRequirement(wanted));
            expect(holds).toBe(naiveMatches([[wanted]], event));
            // Whatever else the event has, the label that is named decides alone.
            expect(naiveMatches([[wanted]], label === undefined ? [] : [label])).toBe(holds);
            if (label !== undefined && wanted.source !== "cidr") {
              expect(parseLabel(label).key).toBe(wanted.key);
            }
          });
        });
      }),
      { numRuns: runs(1000) },
    );
  });

  test("can be formatted and parsed", () => {
    fc.assert(
      fc.property(selector, (requirements) => {
        const compiled = compileLabelSelector(textOf(requirements));
        expect(compiled.requirements).toEqual(requirements);
      }),
    );
  });

  test("may have white space between tokens", () => {
    const space = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
    fc.assert(
      fc.property(selector, space, labels, (requirements, blank, event) => {
        const spaced = textOf(requirements).replaceAll(/==|!=|[=!(),<>]/g, `${blank}$&${blank}`);
        expect(compileLabelSelectors([spaced])(event)).toBe(naiveMatches([requirements], event));
      }),
    );
  });
});

describe("compileLabelSelector: any string", () => {
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
          expect(compileLabelSelector(textOf(compiled.requirements)).requirements).toEqual(
            compiled.requirements,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(LabelSelectorError);
        }
      }),
      { numRuns: runs(3000) },
    );
  });

  test("is a label for which no predicate throws", () => {
    const matches = compileLabelSelectors(["a=b", "cidr:10.0.0.0/8", "!reserved:host", "k8s:x>3"]);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 40 }), (event) => {
        expect(typeof matches(event)).toBe("boolean");
      }),
    );
  });
});

describe("CidrIndex: many prefixes", () => {
  /** Few bits, so that they nest; both families, and the one written as the other. */
  const prefix = fc
    .tuple(fc.constantFrom("10.", "--ffff-10.", "2001-db8--", "--"), fc.nat(3), fc.nat(3), fc.nat(32))
    .map(([start, high, low, length]) => {
      if (start.endsWith("."))
        return `${start}${high * 64}.${low * 64}.0/${length + (start === "10." ? 0 : 96)}`;
      return `${start}${(high * 64).toString(16)}-${(low * 64).toString(16)}/${96 + length}`;
    });

  test("are found as if each were compared alone", () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 40 }), prefix, (texts, text) => {
        const cidrs = new Map(texts.map((one) => [cidrKeyName(parseCidrKey(one)!), parseCidrKey(one)!]));
        const numbered = [...cidrs.values()].map((cidr, number) => ({ cidr, number }));
        const inner = parseCidrKey(text)!;
        const found: number[] = [];
        const index = new CidrIndex(numbered);
        for (let one = index.holderOf(inner); one !== undefined; one = one.parent) found.push(one.number);
        const expected = numbered
          .filter(({ cidr }) => cidrKeyContains(cidr, inner))
          .sort((a, b) => b.cidr.length - a.cidr.length);
        expect(found).toEqual(expected.map(({ number }) => number));
      }),
      { numRuns: runs(5000) },
    );
  });
});

describe("parseCidrKey, CidrKeyMemo: prefixes of labels", () => {
  const written = fc.oneof(
    key,
    fc.ipV4().map((address) => `${address}/24`),
    fc.ipV6().map((address) => `${address.replaceAll(":", "-")}/64`),
  );

  test("are read alike with and without a memo", () => {
    const memo = new CidrKeyMemo(4);
    fc.assert(
      fc.property(written, fc.constantFrom("", "=", "=x", `=${"x".repeat(200)}`), (prefix, end) => {
        const expected = parseCidrKey(prefix);
        const label = `cidr:${prefix}${end}`;
        expect(memo.read(label, 5, 5 + prefix.length)).toEqual(expected);
        expect(memo.read(label, 5, 5 + prefix.length)).toEqual(expected);
        expect(memo.size).toBeLessThanOrEqual(4);
      }),
    );
  });
});
