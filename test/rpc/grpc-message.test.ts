import fc from "fast-check";
import { expect, test } from "vitest";
import { boundedMessage, encodeMessage } from "../../src/rpc/grpc-message.js";

test("encodeMessage: encodes only characters that gRPC does not allow", () => {
  expect(encodeMessage("a: b, /c% \n é ☺ \ud800")).toBe("a: b, /c%25 %0A %C3%A9 %E2%98%BA %EF%BF%BD");
});

test("encodeMessage: any string can be encoded and decoded", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(encodeMessage(text)).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(encodeMessage(text))).toBe(text.replaceAll(/\p{Surrogate}/gu, "\ufffd"));
    }),
  );
});

const unit = fc.constantFrom("a", " ", "%", "é", "☺", "😀", "\ud800", "\n");

test("boundedMessage: bounds the encoded form, and keeps as much of the beginning as fits", () => {
  const text = fc
    .tuple(fc.string({ unit, minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 2000 }))
    .map(([part, count]) => part.repeat(count));
  fc.assert(
    fc.property(text, (text) => {
      const bounded = boundedMessage(text);
      const length = encodeMessage(bounded).length;
      expect(length).toBeLessThanOrEqual(7168);
      if (encodeMessage(text).length <= 7168) expect(bounded).toBe(text);
      else {
        expect(bounded.endsWith("…") && text.startsWith(bounded.slice(0, -1))).toBe(true);
        expect(length).toBeGreaterThan(7168 - 12);
      }
    }),
  );
});
