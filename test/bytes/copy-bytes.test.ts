import fc from "fast-check";
import { expect, test } from "vitest";
import { copyBytes } from "../../src/bytes/copy-bytes.js";

test("copyBytes: copies as subarray and set do, whatever the length", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(300),
      fc.nat(300),
      fc.nat(50),
      (source, a, b, at) => {
        const [start = 0, end = 0] = [Math.min(a, source.length), Math.min(b, source.length)].sort(
          (x, y) => x - y,
        );
        const target = new Uint8Array(400).fill(7);
        const expected = target.slice();
        expected.set(source.subarray(start, end), at);
        copyBytes(target, at, source, start, end);
        expect(target).toEqual(expected);
      },
    ),
  );
});
