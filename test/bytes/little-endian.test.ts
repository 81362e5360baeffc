import fc from "fast-check";
import { expect, test } from "vitest";
import { uint32At } from "../../src/bytes/little-endian.js";

test("uint32At: reads as a DataView does", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 20 }), fc.nat(16), (bytes, offset) => {
      const at = Math.min(offset, bytes.length - 4);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      expect(uint32At(bytes, at)).toBe(view.getUint32(at, true));
    }),
  );
});
