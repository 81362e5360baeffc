import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tokenize } from "../../../../src/source/libpcap/expression/tokens.js";

describe("tokenize", () => {
  test.each([
    { text: "tcp port 80-90", kinds: ["word", "word", "name"] },
    { text: "src host example.com", kinds: ["word", "word", "name"] },
    { text: "host \\tcp", kinds: ["word", "name"] },
    { text: "net 10.0.0.0/8", kinds: ["word", "address4", "operator", "number"] },
    { text: "host 2001:db8::1", kinds: ["word", "address6"] },
    { text: "host ::ffff:10.0.0.1", kinds: ["word", "address6"] },
    { text: "ether host 02:00:00:00:00:01", kinds: ["word", "word", "mac"] },
    {
      text: "tcp[0:2]!=0x50",
      kinds: ["word", "operator", "number", "operator", "number", "operator", "operator", "number"],
    },
    { text: "!tcp&&(udp)", kinds: ["operator", "word", "operator", "operator", "word", "operator"] },
    { text: "es-is or icmp-echo", kinds: ["word", "word", "word"] },
    { text: "tcp;", kinds: ["word", "invalid"] },
    { text: " \r\n\t", kinds: [] },
  ])("splits $text as libpcap's scanner does", ({ text, kinds }) => {
    expect(tokenize(text).map(({ kind }) => kind)).toEqual(kinds);
  });

  test("omits only spaces", () => {
    const text = fc.string({ unit: fc.constantFrom(..."tcpx01.:-_[]()!&| \n\\ä"), maxLength: 200 });
    fc.assert(
      fc.property(text, (value) => {
        const tokens = tokenize(value);
        expect(tokens.map((token) => token.text).join("")).toBe(value.replace(/[ \r\n\t]/g, ""));
        for (const { text: piece, start, end } of tokens) expect(value.slice(start, end)).toBe(piece);
      }),
    );
  });
});
