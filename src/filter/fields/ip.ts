import type { Flow, FlowFilter } from "../../gen/flow/flow_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import {
  compilePrefixSet,
  type Prefix,
  parseAddress,
  parseAddressInto,
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
 * parsed address; an IPv4-mapped address counts as IPv4 (pkg/hubble/filters/ip.go).
 */
function compileIp(
  read: (flow: Flow) => string | undefined,
  path: string,
): FieldCompiler<Side & keyof FlowFilter> {
  const byAddress = addressIndex(INDEX_COST.address, read);
  return (values, context): FieldTest | undefined => {
    const parsed = parseValues(values, context);
    if (parsed === undefined) return undefined;
    const { addresses, prefixes } = parsed;
    const isListed = compileOneOf(addresses);
    const words = new Uint32Array(4);
    const inPrefixes = compilePrefixSet(prefixes);
    const inPrefix = (text: string) => parseAddressInto(text, words) && inPrefixes(words);
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
      key: exactKey(byAddress, [...addresses, ...prefixes]),
    };
  };
}

function parseValues(
  values: readonly string[],
  { report }: FieldContext,
): { addresses: string[]; prefixes: Prefix[] } | undefined {
  const addresses: string[] = [];
  const prefixes: Prefix[] = [];
  let faults = 0;
  values.forEach((text, index) => {
    if (text.includes("/")) {
      const prefix = parsePrefix(text);
      if (prefix !== undefined) prefixes.push(prefix);
      else {
        report(`invalid CIDR in filter: ${goQuote(text)}`, index);
        faults++;
      }
    } else if (parseAddress(text) !== undefined) addresses.push(text);
    else {
      report(`invalid IP address in filter: ${goQuote(text)}`, index);
      faults++;
    }
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
