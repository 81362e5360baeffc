import fc from "fast-check";
import { expect, test } from "vitest";
import { readWord } from "../../src/net/word.js";

test("readWord: reads the same as a DataView", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 12 }), fc.nat(8), (bytes, seed) => {
      const at = seed % (bytes.length - 3);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      expect(readWord(bytes, at)).toBe(view.getInt32(at));
    }),
  );
});
