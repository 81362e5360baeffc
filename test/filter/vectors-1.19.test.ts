import { toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { compileFlowFilters, explainFlowFilters, type FlowFilterLists } from "../../src/filter/index.js";
import { FlowSchema } from "../../src/proto.js";
import { everyNth, nth } from "../support/amount.js";
import { answer, byField, eventOf, expected, formsOf, readVectors, type Vector } from "./recorded.js";

const OPTIONS = { hubble: "1.19" } as const;
const recorded = readVectors("flow-filters-1.19");
/** The results that differ from those of 1.16 have the same ids as there. */
const changed = new Set(recorded.flatMap(({ id }) => (id.startsWith("pub/") ? [id] : [])));
const unchanged = readVectors("flow-filters").filter(({ id }) => !changed.has(id));

/** The results of 1.19 that differ from ours, by the reason. */
const EXCEPTIONS: Readonly<Record<string, (vector: Vector) => boolean>> = {
  "the order of more than 12 labels with a key twice is that of Go 1.26's sort, which is undefined": ({
    id,
  }) => id === "pub/source_label/230",
};

function isException(vector: Vector): boolean {
  return Object.values(EXCEPTIONS).some((holds) => holds(vector));
}

/** The forms of the filters that give another result than the recorded one. */
function differences(vector: Vector): string[] {
  const event = eventOf(vector);
  return formsOf(vector).flatMap((lists, form) => {
    const got = answer(lists, event, OPTIONS);
    return got === expected(vector)
      ? []
      : [`${vector.id} form ${form}: wanted ${expected(vector)}, got ${got}`];
  });
}

const STEP = 5;
const sample = everyNth(STEP, recorded).filter((vector) => !isException(vector));
const UNCHANGED_STEP = 17;

describe("compileFlowFilters: recorded results of Hubble 1.19", () => {
  test("are complete", () => {
    expect([recorded.length, changed.size, unchanged.length]).toEqual([1965, 378, 11_280]);
  });

  test.each(byField(sample))(`%s${nth(STEP)}`, (_field, own) => {
    expect(own.flatMap(differences)).toEqual([]);
  });

  test.each(byField(everyNth(UNCHANGED_STEP, unchanged)))(
    `%s: where 1.16 returns the same${nth(UNCHANGED_STEP)}`,
    (_field, own) => {
      expect(own.flatMap(differences)).toEqual([]);
    },
  );

  test.each(Object.entries(EXCEPTIONS))("differ only where stated: %s", (_reason, holds) => {
    // An exception without differences must be removed.
    expect(recorded.filter(holds).flatMap(differences)).not.toEqual([]);
  });

  test("reject what 1.19 rejects, also where the text is another", () => {
    const accepted = recorded.filter(
      (vector) =>
        vector.error !== undefined &&
        !answer(formsOf(vector)[0]!, eventOf(vector), OPTIONS).startsWith("error"),
    );
    expect(accepted.map(({ id }) => id)).toEqual([]);
  });

  test(`are the same for encoded events, and explained alike${nth(STEP)}`, () => {
    let flows = 0;
    const wrong = sample.filter((vector) => {
      if (vector.expect === "error") return false;
      const event = eventOf(vector);
      const lists = { allow: vector.allow, deny: vector.deny } as FlowFilterLists;
      const explanation = explainFlowFilters(lists, event, OPTIONS);
      const results = [explanation.passes];
      if (event?.$typeName === "flow.Flow") {
        const matches = compileFlowFilters(lists, OPTIONS);
        const json = toJsonString(FlowSchema, event, { useProtoFieldName: true });
        results.push(matches.bytes(toBinary(FlowSchema, event)));
        results.push(matches.jsonLine(new TextEncoder().encode(`{"flow":${json}}`)));
        flows++;
      }
      return results.some((result) => result !== vector.expect);
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
    expect(flows).toBeGreaterThan(100);
  });
});
