import { describe, expect, test } from "vitest";
import { createAddressSet } from "../../../src/packet/index.js";

describe("createAddressSet", () => {
  test("compares addresses by value", () => {
    const set = createAddressSet(["10.0.0.1", "fd00:0:0::1", "::ffff:10.0.0.1"]);
    expect([...set]).toEqual(["10.0.0.1", "fd00::1"]);
    expect(set.has("FD00::0001")).toBe(true);
    expect(set.has("10.0.0.2")).toBe(false);
    expect(set.delete("::ffff:10.0.0.1")).toBe(true);
    expect(set.delete("10.0.0.1")).toBe(false);
    expect(set.size).toBe(1);
  });

  test("passes its addresses and later changes to a follower, until that ends", () => {
    const set = createAddressSet(["10.0.0.1"]);
    const seen: string[] = [];
    const end = set.follow({
      add: (words) => seen.push(`+${words[3]! & 0xff}`),
      delete: (words) => seen.push(`-${words[3]! & 0xff}`),
    });
    set.add("10.0.0.2");
    set.add("10.0.0.2");
    set.delete("10.0.0.1");
    end();
    set.add("10.0.0.3");
    expect(seen).toEqual(["+1", "+2", "-1"]);
  });

  test("does not have an address that a follower refuses", () => {
    const set = createAddressSet();
    set.follow({
      add: () => {
        throw new Error("no memory");
      },
      delete: () => {},
    });
    expect(() => set.add("10.0.0.1")).toThrow("no memory");
    expect(set.size).toBe(0);
  });

  test("rejects what is no address, and more than 65,536 addresses", () => {
    const set = createAddressSet();
    for (const text of ["", "10.0.0", "10.0.0.0/8", "x", 1]) {
      expect(() => set.add(text as string)).toThrow(TypeError);
    }
    for (let index = 0; index < 65_536; index++) set.add(`10.0.${index >> 8}.${index & 255}`);
    expect(() => set.add("10.1.0.0")).toThrow(RangeError);
  });
});
