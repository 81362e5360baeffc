import { expect, test } from "vitest";
import { RULES } from "../../src/hubble/rules.js";
import { DEFAULT_HUBBLE_VERSION, HUBBLE_VERSIONS, rulesOf } from "../../src/hubble/version.js";

test("rulesOf: returns the rules of each version, of 1.16 by default", () => {
  expect(HUBBLE_VERSIONS.map(rulesOf)).toEqual([RULES["1.16"], RULES["1.19"]]);
  expect(rulesOf()).toBe(RULES["1.16"]);
  expect(DEFAULT_HUBBLE_VERSION).toBe("1.16");
});

test("RULES: every rule differs between the versions", () => {
  const same = Object.entries(RULES["1.16"]).filter(
    ([rule, answer]) => RULES["1.19"][rule as keyof (typeof RULES)["1.19"]] === answer,
  );
  expect(same).toEqual([]);
});
