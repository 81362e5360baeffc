import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { explainFlowFilters, type FlowFilterLists } from "../../src/filter/index.js";
import { everyNth, nth } from "../support/amount.js";
import {
  answer,
  byField,
  eventOf,
  expected,
  formsOf,
  readVectors,
  type Vector,
  withoutSyntax,
} from "./recorded.js";

const vectors = readVectors("flow-filters");
const hasCel = (vector: Vector) => /cel_?expression/i.test(JSON.stringify([vector.allow, vector.deny]));
const withCel = vectors.filter(hasCel);
const STEP = 11;
const sample = everyNth(STEP, vectors);

describe("compileFlowFilters: recorded results of Hubble", () => {
  test("are complete", () => {
    expect(vectors.length).toBe(11_658);
    expect(withCel.length).toBe(1295);
  });

  test("include expressions that do not compile, mostly with cel-go's messages", () => {
    const errors = withCel.filter((vector) => vector.expect === "error");
    const own = errors.filter(({ error = "" }) => withoutSyntax(error) === error);
    expect({ errors: errors.length, own: own.length }).toEqual({ errors: 240, own: 203 });
  });

  test.each(byField(sample))(`%s${nth(STEP)}`, (_field, own) => {
    const wrong = own.flatMap((vector) => {
      const event = eventOf(vector);
      return formsOf(vector).flatMap((lists, form) => {
        const got = answer(lists, event);
        return got === expected(vector)
          ? []
          : [`${vector.id} form ${form}: wanted ${expected(vector)}, got ${got}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  test(`are explained alike${nth(STEP)}`, () => {
    const compiling = sample.filter((vector) => vector.expect !== "error");
    const wrong = compiling.filter((vector) => {
      const lists = { allow: vector.allow, deny: vector.deny } as FlowFilterLists;
      const explanation = explainFlowFilters(lists, eventOf(vector));
      const verdict = vector.expect ? " passes: " : " does not pass: ";
      return (
        explanation.passes !== vector.expect || !String(explanation).split("\n", 1)[0]!.includes(verdict)
      );
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });

  test(`do not depend on the order within a list${nth(STEP)}`, () => {
    const reversed = (filter: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries(filter).map(([name, values]) => [
          name,
          Array.isArray(values) ? values.slice().reverse() : values,
        ]),
      );
    const compiling = sample.filter((vector) => vector.expect !== "error");
    const wrong = compiling.filter((vector) => {
      const lists = {
        allow: vector.allow.slice().reverse().map(reversed),
        deny: vector.deny.slice().reverse().map(reversed),
      } as FlowFilterLists;
      return answer(lists, eventOf(vector)) !== String(vector.expect);
    });
    expect(wrong.map(({ id }) => id)).toEqual([]);
  });
});
