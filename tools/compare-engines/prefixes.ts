import ipaddr from "ipaddr.js";
import { parseAddress, parseAddressInto, parsePrefix, prefixContains } from "../../src/net/index.js";
import { type Contest, type Engine, installed } from "./engine.js";
import { PREFIX_CASES } from "./prefix-cases.js";

const own: Engine = {
  name: "flowscribe net/",
  compile(text) {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new Error(`not a prefix: ${text}`);
    const words = new Uint32Array(4);
    return (address) => parseAddressInto(address, words) && prefixContains(prefix, words);
  },
};

type Network = ipaddr.IPv4 | ipaddr.IPv6;

const plain: Engine = {
  name: installed("ipaddr.js"),
  compile(text) {
    const [network, length] = ipaddr.parseCIDR(text);
    return (address) => contains(network, length, address, (one) => ipaddr.process(one));
  },
};

/** With four decimal parts asked of IPv4, and IPv4-mapped prefixes taken for IPv4. */
const best: Engine = {
  name: `${installed("ipaddr.js")}, best options`,
  compile(text) {
    const [network, length] = ipaddr.parseCIDR(text);
    const isMapped = network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && length >= 96;
    const narrow = isMapped ? network.toIPv4Address() : network;
    const bits = isMapped ? length - 96 : length;
    return (address) => contains(narrow, bits, address, parseStrictly);
  },
};

function contains(network: Network, length: number, text: string, parse: (text: string) => Network): boolean {
  try {
    const address = parse(text);
    return address.kind() === network.kind() && address.match(network, length);
  } catch {
    return false;
  }
}

function parseStrictly(text: string): Network {
  if (!text.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(text)) throw new Error("not an address");
  return ipaddr.process(text);
}

export const prefixes: Contest = {
  title: "Addresses in prefixes, as Go's net",
  cases: PREFIX_CASES,
  canary: ["10.0.0.0/8", "10.0.0.1", true],
  // What is no address, flows have only in tests; ipaddr.js throws for it, which would be most of its time.
  isTimed: (text) => parseAddress(text) !== undefined && ipaddr.isValid(text),
  engines: [own, plain, best],
};
