import { describe, expect, test } from "vitest";
import {
  estimateCost,
  MAX_EXPRESSION_COST,
  whyTooLarge,
} from "../../../../src/source/libpcap/expression/cost.js";
import { tokenize } from "../../../../src/source/libpcap/expression/tokens.js";

const ETHERNET = 1;
const RADIOTAP = 127;
const cost = (text: string, linkType = ETHERNET) => estimateCost(tokenize(text), linkType).instructions;
const list = (count: number, primitive: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => primitive(index)).join(" or ");
const address = (index: number) => `10.0.${index >> 8}.${index & 255}`;

describe("estimateCost", () => {
  test.each<{ text: string; same: string }>([
    { text: "src or dst port 5", same: "port 5" },
    { text: "tcp port 5 or 6", same: "tcp port 5 or tcp port 6" },
    { text: "tcp src port 5 or 6", same: "tcp src port 5 or tcp src port 6" },
    { text: "port 5 or tcp", same: "tcp or port 5" },
    { text: "tcp and port 5", same: "port 5 and tcp" },
    { text: "tcp src port 5 or port 6", same: "port 6 or tcp src port 5" },
    { text: "src host 10.0.0.1 or dst host 10.0.0.2", same: "src host 10.0.0.1 or 10.0.0.2" },
    { text: "ip6 host 10.0.0.1", same: "ip6 or host 10.0.0.1" },
  ])("counts $text as $same", ({ text, same }) => {
    expect(cost(text)).toBe(cost(same));
  });

  test.each<{ cheap: string; expensive: string }>([
    { cheap: "tcp dst port 5", expensive: "tcp port 5" },
    { cheap: "tcp port 5", expensive: "dst port 5" },
    { cheap: "dst port 5", expensive: "port 5" },
    { cheap: "src host 10.0.0.1", expensive: "host 10.0.0.1" },
    { cheap: "ip host 10.0.0.1", expensive: "src host 10.0.0.1" },
    { cheap: "host 2001:db8::1", expensive: "host 10.0.0.1" },
    { cheap: "(tcp src port 5 or 6)", expensive: "(tcp src port 5) or 6" },
  ])("counts $cheap below $expensive", ({ cheap, expensive }) => {
    expect(cost(cheap)).toBeLessThan(cost(expensive));
  });

  test("multiplies for headers of variable length", () => {
    expect(cost("tcp dst port 5", RADIOTAP)).toBeGreaterThan(2 * cost("tcp dst port 5"));
  });
});

describe("whyTooLarge", () => {
  test.each([
    { what: "300 hosts", text: list(300, (index) => `host ${address(index)}`) },
    { what: "500 sources", text: list(500, (index) => `src host ${address(index)}`) },
    { what: "300 TCP ports", text: list(300, (index) => `tcp port ${index}`) },
    { what: "500 destination ports in parentheses", text: `tcp dst port (${list(500, String)})` },
  ])("accepts $what", ({ text }) => {
    expect(whyTooLarge(estimateCost(tokenize(text), ETHERNET))).toBeUndefined();
  });

  test.each([
    { what: "200 ports of any protocol", text: list(200, (index) => `port ${index}`) },
    { what: "400 hosts", text: list(400, (index) => `host ${address(index)}`) },
    { what: "1,000 destination ports", text: list(1000, (index) => `tcp dst port ${index}`) },
    { what: "1,000 protocols", text: list(1000, () => "tcp") },
  ])("rejects $what", ({ text }) => {
    expect(whyTooLarge(estimateCost(tokenize(text), ETHERNET))).toContain(
      `${MAX_EXPRESSION_COST} are the limit`,
    );
  });
});
