import { describe, expect, test } from "vitest";
import { ENCAPSULATION_LIST, ENCAPSULATIONS } from "../../../src/packet/headers/encapsulations.js";

describe("ENCAPSULATIONS: fits the limits of the engines", () => {
  test("the walk counts eight encapsulations, with four bits each", () => {
    expect(ENCAPSULATION_LIST.length).toBeLessThanOrEqual(8);
  });

  test("the kernel program has 30 bits of counts for encapsulations that filters enter", () => {
    const entered = ENCAPSULATION_LIST.filter(({ most }) => most.filters > 0);
    expect(entered.length * 4).toBeLessThanOrEqual(30);
  });

  test.each(Object.entries(ENCAPSULATIONS))(
    "%s: filters enter it only if the kernel program can",
    (_, row) => {
      expect(row.most.filters).toBeLessThanOrEqual(15);
      // The program loads a header to eight bytes of its stack.
      if (row.most.filters > 0) expect(row.length).toBeLessThanOrEqual(8);
    },
  );
});
