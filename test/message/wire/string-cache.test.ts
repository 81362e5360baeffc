import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ARENA, StringCache } from "../../../src/message/wire/string-cache.js";
import { runs } from "../../support/amount.js";

const encode = (text: string) => new TextEncoder().encode(text);

/** Reads a string from its own buffer, or from the arena after some other bytes. */
function read(cache: StringCache, text: string, inArena: boolean): string {
  const bytes = encode(text);
  if (!inArena) return cache.read(bytes, 0, bytes.length);
  ARENA.set(bytes, 7);
  return cache.read(ARENA, 7, bytes.length);
}

describe("StringCache", () => {
  const texts = [
    "",
    "a",
    "ab",
    "abc",
    "abcd",
    "é",
    "k8s:app=web",
    "10.0.0.1",
    "😀".repeat(9),
    "\ufeffa",
    "x".repeat(200),
  ];
  test.each(texts)("decodes %j", (text) => {
    const cache = new StringCache();
    for (const inArena of [false, true, false, true]) expect(read(cache, text, inArena)).toBe(text);
  });

  test("decodes any strings, in any order, with any bound", () => {
    const words = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary", minLength: 20 }),
      fc.constantFrom(...texts),
    );
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.boolean()), { maxLength: 60 }),
        fc.constantFrom(0, 600, 3000, undefined),
        (all, order, bound) => {
          const cache = new StringCache(bound);
          for (const [index, inArena] of order) {
            // A lone surrogate cannot be encoded.
            const text = Buffer.from(all[index % all.length]!).toString();
            expect(read(cache, text, inArena)).toBe(text);
          }
        },
      ),
      { numRuns: runs(1000) },
    );
  });

  test("decodes strings that differ in one byte", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), fc.nat(), fc.boolean(), (length, where, inArena) => {
        const cache = new StringCache();
        const one = "a".repeat(length);
        const at = where % length;
        const other = `${one.slice(0, at)}b${one.slice(at + 1)}`;
        for (const text of [one, one, other, other, one, other])
          expect(read(cache, text, inArena)).toBe(text);
      }),
      { numRuns: runs(1000) },
    );
  });

  test.each([true, false])("rejects invalid UTF-8, in the arena: %j", (inArena) => {
    const cache = new StringCache();
    const bytes = Uint8Array.of(0x61, 0xff, 0x61, 0x61, 0x61);
    ARENA.set(bytes);
    for (let round = 0; round < 3; round++) {
      expect(() => cache.read(inArena ? ARENA : bytes, 0, bytes.length)).toThrow(TypeError);
    }
  });

  test("keeps strings that occur often while others occur once", () => {
    const cache = new CountingCache(100_000);
    for (let round = 0; round < 3; round++) cache.count("k8s:app=web");
    cache.decoded = 0;
    for (let round = 0; round < 2000; round++) {
      cache.count(`pod-${round}-${(round * 7919) % 1000}`);
      cache.count("k8s:app=web");
    }
    expect(cache.decoded).toBeLessThan(2100);
  });

  test("stores nothing with a bound of 0", () => {
    const cache = new CountingCache(0);
    for (let round = 0; round < 5; round++) cache.count("k8s:app=web");
    expect(cache.decoded).toBe(5);
  });

  test("is shared by default", () => {
    const [one, other] = [new CountingCache(), new CountingCache()];
    for (let round = 0; round < 3; round++) one.count("a string of this test");
    other.count("a string of this test");
    expect(other.decoded).toBe(0);
  });
});

/** Counts the strings that are decoded, by the characters that are made. */
class CountingCache {
  readonly #cache: StringCache;
  decoded = 0;

  constructor(bound?: number) {
    this.#cache = new StringCache(bound);
  }

  count(text: string): void {
    const original = String.fromCharCode;
    String.fromCharCode = (...codes) => {
      this.decoded++;
      return original(...codes);
    };
    try {
      expect(read(this.#cache, text, false)).toBe(text);
    } finally {
      String.fromCharCode = original;
    }
  }
}
