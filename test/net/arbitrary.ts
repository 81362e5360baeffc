import fc from "fast-check";

/** 128-bit values, half of them edge cases: zero runs, IPv4-mapped addresses and their neighbors. */
export const addressValue: fc.Arbitrary<bigint> = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  fc
    .array(fc.oneof(fc.constantFrom(0, 0, 0, 1, 0xff, 0x100, 0xffff), fc.nat(0xffff)), {
      minLength: 8,
      maxLength: 8,
    })
    .map((groups) => groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n)),
  fc.nat(0xffff_ffff).map((ipv4) => 0xffff_0000_0000n | BigInt(ipv4)),
  fc
    .tuple(fc.constantFrom(0n, 0xfffen, 0xffffn, 0x1_0000n, 0x1_ffffn, 1n << 95n), fc.nat(0xffff_ffff))
    .map(([high, low]) => (high << 32n) | BigInt(low)),
);

/** Every notation of an address in RFC 4291: letter case, padding, position of the gap, a dotted tail. */
export const spelledAddress: fc.Arbitrary<{ text: string; value: bigint }> = fc
  .record({
    value: addressValue,
    padding: fc.array(fc.nat(4), { minLength: 8, maxLength: 8 }),
    upperCase: fc.boolean(),
    dotted: fc.boolean(),
    gap: fc.option(fc.tuple(fc.nat(7), fc.nat(7)), { nil: undefined }),
  })
  .map(({ value, padding, upperCase, dotted, gap }) => {
    const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn);
    let written = groups.map((group, index) => {
      const hex = group.toString(16).padStart(padding[index] ?? 0, "0");
      return upperCase ? hex.toUpperCase() : hex;
    });
    if (dotted) {
      const octets = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n);
      written = [...written.slice(0, 6), octets.join(".")];
    }
    const zeros = groups.slice(0, written.length - (dotted ? 1 : 0)).map((group) => group === 0n);
    const first = gap === undefined ? -1 : zeros.indexOf(true, gap[0]);
    if (gap === undefined || first < 0) return { text: written.join(":"), value };
    let end = first + 1;
    while (end < zeros.length && zeros[end] && end - first <= gap[1]) end++;
    return { text: `${written.slice(0, first).join(":")}::${written.slice(end).join(":")}`, value };
  });

const token = fc.oneof(
  fc.constantFrom(
    ".",
    ".",
    ":",
    ":",
    ":",
    "::",
    "/",
    "%",
    "%eth0",
    " ",
    "+",
    "-",
    "0x",
    "g",
    "[",
    "]",
    "\u0660",
    "\0",
  ),
  fc.constantFrom(
    "0",
    "1",
    "9",
    "10",
    "255",
    "256",
    "00",
    "01",
    "0000",
    "00001",
    "ffff",
    "FFFF",
    "12345",
    "aBc",
  ),
  fc.constantFrom(
    "1.2.3.4",
    "::ffff:",
    "2001:db8::",
    "1:2:3:4:5:6",
    "10.0.0.0/8",
    "/128",
    "/32",
    "/33",
    "/008",
  ),
);

/** Strings that are addresses or prefixes, or differ from one by one or two mistakes. */
export const nearlyAddress: fc.Arbitrary<string> = fc.oneof(
  fc.array(token, { maxLength: 9 }).map((tokens) => tokens.join("")),
  fc.array(fc.constantFrom("0", "12", "ab"), { maxLength: 9 }).map((groups) => groups.join(":")),
  fc
    .array(fc.constantFrom("0", "7", "255", "256", "08", ""), { minLength: 3, maxLength: 5 })
    .map((o) => o.join(".")),
  fc
    .tuple(
      fc.oneof(
        spelledAddress.map(({ text }) => text),
        fc.ipV4(),
        fc.ipV6(),
      ),
      fc.array(fc.tuple(fc.nat(40), fc.nat(2), token), { maxLength: 2 }),
    )
    .map(([text, edits]) =>
      edits.reduce((edited, [at, removed, inserted]) => {
        return edited.slice(0, at) + inserted + edited.slice(at + removed);
      }, text),
    ),
);
