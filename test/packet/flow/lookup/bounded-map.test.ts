import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BoundedMap } from "../../../../src/packet/flow/lookup/bounded-map.js";

describe("BoundedMap", () => {
  test("holds the latest entries up to its bound", () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.array(fc.tuple(fc.boolean(), fc.nat(30), fc.integer()), { maxLength: 200 }),
        (bound, steps) => {
          const map = new BoundedMap<number>("bound", bound);
          const model = new Map<string, number>();
          for (const [writes, number, value] of steps) {
            const key = `key ${number}`;
            if (writes) {
              map.set(key, value);
              model.set(key, value);
              expect(map.get(key)).toBe(bound < 2 ? undefined : value);
            } else {
              expect([undefined, model.get(key)]).toContain(map.get(key));
            }
            expect(map.size).toBeLessThanOrEqual(bound);
          }
          if (model.size <= Math.floor(bound / 2)) {
            for (const [key, value] of model) expect(map.get(key)).toBe(value);
            expect(map.evicted).toBe(0);
          }
        },
      ),
    );
  });

  test("keeps entries that are read, and counts evictions", () => {
    const map = new BoundedMap<number>("bound", 4);
    map.set("kept", 0);
    for (let number = 1; number <= 100; number++) {
      map.set(`key ${number}`, number);
      expect(map.get("kept")).toBe(0);
    }
    expect(map.get("key 1")).toBeUndefined();
    expect(map.size + map.evicted).toBe(101);
    map.clear();
    expect(map.size).toBe(0);
    expect(map.get("kept")).toBeUndefined();
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("rejects a bound of %d", (bound) => {
    expect(() => new BoundedMap("maxThings", bound)).toThrow(
      new RangeError(`maxThings must be an integer of at least 0, not ${bound}`),
    );
  });
});
