import type { Flow, FlowFilter } from "../../gen/flow/flow_pb.js";
import type { Result } from "../../go/result.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { HubbleRules } from "../../hubble/rules.js";
import {
  compileNetipPrefixSet,
  compilePrefixSet,
  createNetipAddressBuffer,
  type NetipPrefix,
  type Prefix,
  parseAddress,
  parseAddressInto,
  parseNetipAddress,
  parseNetipAddressInto,
  parseNetipPrefix,
  parsePrefix,
} from "../../net/index.js";
import { isFlow } from "../event.js";
import type { FieldCompiler, FieldContext, FieldTest } from "../field.js";
import { addressIndex } from "../list-index/address-index.js";
import { exactKey, INDEX_COST } from "../list-index/flow-index.js";
import { compileOneOf } from "../one-of.js";

type Side = "sourceIp" | "destinationIp" | "sourceIpXlated";

/**
 * Addresses are compared as strings, as in Hubble: `::1` does not match `0:0:0:0:0:0:0:1`. CIDR prefixes match the
 * parsed address. Whether an IPv4-mapped address is IPv4 depends on the parser (pkg/hubble/filters/ip.go).
 */
function compileIp(
  read: (flow: Flow) => string | undefined,
  path: string,
): FieldCompiler<Side & keyof FlowFilter> {
  const indexes = {
    net: addressIndex(INDEX_COST.address, read, "net"),
    netip: addressIndex(INDEX_COST.address, read, "netip"),
  } satisfies { readonly [K in HubbleRules["ipFilters"]]: unknown };
  return (values, { rules, report }): FieldTest | undefined => {
    const parsed = SYNTAX[rules.ipFilters](values, report);
    if (parsed === undefined) return undefined;
    const { addresses, prefixes, inPrefix } = parsed;
    const isListed = compileOneOf(addresses);
    const matchesText =
      prefixes.length === 0
        ? isListed
        : addresses.length === 0
          ? inPrefix
          : (text: string) => isListed(text) || inPrefix(text);
    return {
      matches: (flow) => {
        const text = read(flow);
        return text !== undefined && text !== "" && matchesText(text);
      },
      seen: (event) => (isFlow(event) ? read(event) : undefined),
      reads: [path],
      cost: prefixes.length === 0 ? "cheap" : "moderate",
      key: exactKey(indexes[rules.ipFilters], [...addresses, ...prefixes]),
    };
  };
}

interface ParsedValues<P = NetipPrefix> {
  readonly addresses: readonly string[];
  readonly prefixes: readonly P[];
  /** Whether any of the prefixes contains the address in a string. */
  readonly inPrefix: (text: string) => boolean;
}

type Report = FieldContext["report"];

const SYNTAX: {
  readonly [K in HubbleRules["ipFilters"]]: (
    values: readonly string[],
    report: Report,
  ) => ParsedValues | undefined;
} = {
  net(values, report) {
    const parsed = parseValues<Prefix>(values, report, {
      addressFault: (text) =>
        parseAddress(text) === undefined ? `invalid IP address in filter: ${goQuote(text)}` : undefined,
      parsePrefix: (text) => {
        const value = parsePrefix(text);
        return value === undefined ? { fault: `invalid CIDR in filter: ${goQuote(text)}` } : { value };
      },
    });
    if (parsed === undefined) return undefined;
    const words = new Uint32Array(4);
    const inPrefixes = compilePrefixSet(parsed.prefixes);
    return { ...parsed, inPrefix: (text) => parseAddressInto(text, words) && inPrefixes(words) };
  },
  netip(values, report) {
    const parsed = parseValues<NetipPrefix>(values, report, {
      addressFault: (text) => {
        const address = parseNetipAddress(text);
        return "fault" in address
          ? `invalid IP address ${goQuote(text)} in filter: ${address.fault}`
          : undefined;
      },
      parsePrefix: (text) => {
        const prefix = parseNetipPrefix(text);
        return "fault" in prefix
          ? { fault: `invalid IP prefix ${goQuote(text)} in filter: ${prefix.fault}` }
          : prefix;
      },
    });
    if (parsed === undefined) return undefined;
    const address = createNetipAddressBuffer();
    const inPrefixes = compileNetipPrefixSet(parsed.prefixes);
    return { ...parsed, inPrefix: (text) => parseNetipAddressInto(text, address) && inPrefixes(address) };
  },
};

function parseValues<P>(
  values: readonly string[],
  report: Report,
  syntax: {
    readonly addressFault: (text: string) => string | undefined;
    readonly parsePrefix: (text: string) => Result<P>;
  },
): Omit<ParsedValues<P>, "inPrefix"> | undefined {
  const addresses: string[] = [];
  const prefixes: P[] = [];
  let faults = 0;
  values.forEach((text, index) => {
    const prefix = text.includes("/") ? syntax.parsePrefix(text) : undefined;
    if (prefix !== undefined && "value" in prefix) {
      prefixes.push(prefix.value);
      return;
    }
    const fault = prefix === undefined ? syntax.addressFault(text) : prefix.fault;
    if (fault === undefined) {
      addresses.push(text);
      return;
    }
    report(fault, index);
    faults++;
  });
  return faults === 0 ? { addresses, prefixes } : undefined;
}

export const sourceIp: FieldCompiler<"sourceIp"> = compileIp((flow) => flow.IP?.source, "IP.source");
export const destinationIp: FieldCompiler<"destinationIp"> = compileIp(
  (flow) => flow.IP?.destination,
  "IP.destination",
);
export const sourceIpXlated: FieldCompiler<"sourceIpXlated"> = compileIp(
  (flow) => flow.IP?.sourceXlated,
  "IP.source_xlated",
);
