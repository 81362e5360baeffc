import { describe, expect, test } from "vitest";
import { parseFilterArgument } from "../../../src/cli/record/filter-arguments.js";

describe("parseFilterArgument: parses a filter of hubble record", () => {
  test.each([
    {
      text: "192.168.1.0/24 0 10.0.0.0/16 80 TCP",
      filter: ["192.168.1.0/24", 0, "10.0.0.0/16", 80, 6],
    },
    { text: "::/0 65535 fd00::/8 0 udp", filter: ["::/0", 65_535, "fd00::/8", 0, 17] },
    { text: "a 1 b 2 Sctp", filter: ["a", 1, "b", 2, 132] },
    { text: "a 00080 b 2 any", filter: ["a", 80, "b", 2, 0] },
    // Hubble's client does not validate prefixes; the server does.
    { text: " 0  0 ANY", filter: ["", 0, "", 0, 0] },
  ])("$text", ({ text, filter: [sourceCidr, sourcePort, destinationCidr, destinationPort, protocol] }) => {
    expect(parseFilterArgument(text)).toEqual({
      sourceCidr,
      sourcePort,
      destinationCidr,
      destinationPort,
      protocol,
    });
  });
});

describe("parseFilterArgument: rejects an invalid filter", () => {
  test.each([
    { text: "", message: 'invalid 5-tuple filter: [""]' },
    { text: "a b", message: 'invalid 5-tuple filter: ["a" "b"]' },
    { text: 'a "b" c\t0', message: 'invalid 5-tuple filter: ["a" "\\"b\\"" "c\\t0"]' },
    { text: "a 0 b 0", message: 'invalid 5-tuple filter: ["a" "0" "b" "0"]' },
    // Two consecutive spaces result in an empty field.
    { text: "a  0 b 0 TCP", message: "invalid source port: " },
    { text: "a x b 0 TCP", message: "invalid source port: x" },
    { text: "a 65536 b 0 TCP", message: "invalid source port: 65536" },
    { text: "a -1 b 0 TCP", message: "invalid source port: -1" },
    { text: "a +1 b 0 TCP", message: "invalid source port: +1" },
    { text: "a 1_0 b 0 TCP", message: "invalid source port: 1_0" },
    { text: "a 0x1 b 0 TCP", message: "invalid source port: 0x1" },
    { text: "a 0 b http TCP", message: "invalid destination port: http" },
    { text: "a 0 b 0 icmp", message: "unsupported protocol: icmp" },
    { text: "a 0 b 0 ", message: "unsupported protocol: " },
    { text: "a 0 b 0 TCP ", message: "unsupported protocol: TCP " },
    { text: "a 0 b 0 TCP UDP", message: "unsupported protocol: TCP UDP" },
    { text: "a 0 b 0 6", message: "unsupported protocol: 6" },
  ])("$text", ({ text, message }) => {
    expect(() => parseFilterArgument(text)).toThrow(expect.objectContaining({ name: "UsageError", message }));
  });
});
