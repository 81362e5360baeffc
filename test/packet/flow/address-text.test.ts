import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, formatIpv6 } from "../../../src/net/index.js";
import { ADDRESS_MEMO_SLOTS, addressText, createAddressText } from "../../../src/packet/flow/address-text.js";

describe("createAddressText", () => {
  test.each([2, 16, ADDRESS_MEMO_SLOTS])(
    "with %d slots: returns formatted addresses, also when slots are reused",
    (slots) => {
      const text = createAddressText(slots);
      fc.assert(
        fc.property(
          fc.array(
            fc.oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constant(new Uint8Array(16))),
            { minLength: 1, maxLength: 20 },
          ),
          (addresses) => {
            for (const bytes of [...addresses, ...addresses]) {
              expect(text.ipv4(bytes, 3)).toBe(formatIpv4(bytes, 3));
              expect(text.ipv6(bytes, 0)).toBe(formatIpv6(bytes, 0));
              const mac = [...bytes.slice(5, 11)].map((byte) => byte.toString(16).padStart(2, "0"));
              expect(text.mac(bytes, 5)).toBe(mac.join(":"));
            }
          },
        ),
      );
    },
  );

  test("distinguishes addresses that differ in one bit", () => {
    const text = createAddressText(2);
    for (let bit = 0; bit < 128; bit++) {
      const bytes = new Uint8Array(16);
      expect(text.ipv6(bytes, 0)).toBe("::");
      bytes[bit >> 3] = 1 << (bit & 7);
      expect(text.ipv6(bytes, 0)).toBe(formatIpv6(bytes, 0));
      expect(text.ipv4(bytes, 0)).toBe(formatIpv4(bytes, 0));
    }
  });

  test("addressText: returns one table for all decoders", () => {
    expect(addressText()).toBe(addressText());
  });
});
