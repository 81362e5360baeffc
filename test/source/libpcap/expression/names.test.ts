import { afterEach, describe, expect, test, vi } from "vitest";
import {
  LOOKUP_TIMEOUT_MS,
  type Lookup,
  MAX_HOST_NAMES,
  replaceHostNames,
} from "../../../../src/source/libpcap/expression/names.js";
import { tokenize } from "../../../../src/source/libpcap/expression/tokens.js";

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  one: ["10.0.0.1"],
  both: ["10.0.0.2", "2001:db8::2"],
  "a-b.example": ["10.0.0.3", "10.0.0.3", "fe80::1%eth0"],
};

const lookup: Lookup = async (name, { family }) => {
  const found = ADDRESSES[name];
  if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${name}`);
  return found
    .filter((address) => family === 0 || (family === 6) === address.includes(":"))
    .map((address) => ({ address }));
};

const replace = (text: string, by: Lookup = lookup) => replaceHostNames(text, tokenize(text), by);

afterEach(() => void vi.useRealTimers());

describe("replaceHostNames", () => {
  test.each([
    { text: "host one", replaced: "host 10.0.0.1" },
    { text: "src one or both and tcp", replaced: "src 10.0.0.1 or (10.0.0.2 or 2001:db8::2) and tcp" },
    { text: "ip host both", replaced: "ip host 10.0.0.2" },
    { text: "ip6 src or dst host both", replaced: "ip6 src or dst host 2001:db8::2" },
    { text: "tcp and dst host \\one", replaced: "tcp and dst host 10.0.0.1" },
    { text: "host a-b.example or port http", replaced: "host 10.0.0.3 or port http" },
    { text: "host (one or one)", replaced: "host (10.0.0.1 or 10.0.0.1)" },
  ])("replaces the names in $text by addresses", async ({ text, replaced }) => {
    expect(await replace(text)).toBe(replaced);
  });

  test.each([
    "port http",
    "tcp portrange 80-90",
    "proto sctp",
    "ether host one",
    "on eth0",
    "type mgt subtype beacon",
    "nonsense",
    "tcp prot 80",
    "host 10.0.0.1 and tcp[tcpflags] & tcp-syn != 0",
  ])("does not change %s", async (text) => {
    expect(await replace(text, () => Promise.reject(new Error("looked up")))).toBe(text);
  });

  test.each([
    {
      text: "host nowhere",
      message: "the host name nowhere cannot be resolved: correct it, or write the address instead",
    },
    { text: "ip6 host one", message: "the host name one has no address" },
    {
      text: "net loopback",
      message: "net loopback: names of networks and gateways are not supported, write addresses instead",
    },
    {
      text: "gateway one",
      message: "gateway one: names of networks and gateways are not supported, write addresses instead",
    },
    {
      text: Array.from({ length: MAX_HOST_NAMES + 1 }, (_, index) => `host h${index}`).join(" or "),
      message: "it has 65 host names, 64 are the limit: write addresses instead",
    },
  ])("rejects $text", async ({ text, message }) => {
    await expect(replace(text)).rejects.toThrow(message);
  });

  test("does not wait for a name server that does not answer", async () => {
    vi.useFakeTimers();
    const refused = expect(replace("host one or host two", () => new Promise(() => {}))).rejects.toThrow(
      "no name server has answered for one, two within 5 s: write addresses instead",
    );
    await vi.advanceTimersByTimeAsync(LOOKUP_TIMEOUT_MS);
    await refused;
    expect(vi.getTimerCount()).toBe(0);
  });
});
