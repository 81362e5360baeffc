import { parseUint } from "../../go/strconv/parse-integer.js";
import { goQuote } from "../../go/strconv/quote.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { UsageError } from "../error-text.js";

const FIELDS = 5;

/** Protocol names of `hubble record`, in upper case. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["ANY", 0],
  ["TCP", 6],
  ["UDP", 17],
  ["SCTP", 132],
]);

/**
 * Parses a filter as `hubble record` does (hubble/cmd/record): source prefix, source port, destination prefix,
 * destination port, protocol, separated by single spaces. Prefixes are validated later, together with those of all
 * other filters.
 *
 * @throws UsageError with Hubble's message.
 */
export function parseFilterArgument(text: string): PacketFilterInit {
  const fields = splitAtSpaces(text);
  if (fields.length !== FIELDS) {
    throw new UsageError(`invalid 5-tuple filter: [${fields.map((field) => goQuote(field)).join(" ")}]`);
  }
  const [sourceCidr = "", sourcePort = "", destinationCidr = "", destinationPort = "", protocol = ""] =
    fields;
  return {
    sourceCidr,
    sourcePort: parsePort(sourcePort, "source"),
    destinationCidr,
    destinationPort: parsePort(destinationPort, "destination"),
    protocol: parseProtocol(protocol),
  };
}

/** Go's `strings.SplitN(text, " ", 5)`: the fifth field contains the rest. */
function splitAtSpaces(text: string): string[] {
  const fields = text.split(" ");
  return fields.length <= FIELDS
    ? fields
    : [...fields.slice(0, FIELDS - 1), fields.slice(FIELDS - 1).join(" ")];
}

function parsePort(text: string, side: "source" | "destination"): number {
  const parsed = parseUint(text, 10, 16);
  if ("fault" in parsed) throw new UsageError(`invalid ${side} port: ${text}`);
  return Number(parsed.value);
}

function isDigits(text: string): boolean {
  return text !== "" && [...text].every((letter) => letter >= "0" && letter <= "9");
}

function parseProtocol(text: string): number {
  const protocol = PROTOCOLS.get(text.toUpperCase());
  if (protocol === undefined) throw new UsageError(`unsupported protocol: ${text}`);
  return protocol;
}

/** The positional arguments of a command line: 5-tuple filters, then the words of an expression. */
export interface FilterArguments {
  readonly filters: readonly PacketFilterInit[];
  /** pcap-filter text; undefined if there is no expression. */
  readonly expression: string | undefined;
}

/**
 * Separates the filters of `hubble record` from an expression, which comes last as in tcpdump: `tcp port 80`, as one
 * argument or as several. A filter starts with an address; pcap-filter text never does.
 *
 * @throws UsageError as {@link parseFilterArgument} does.
 */
export function parseFilterArguments(positionals: readonly string[]): FilterArguments {
  const start = positionals.findIndex(startsExpression);
  const filters = start < 0 ? positionals : positionals.slice(0, start);
  return {
    filters: filters.map(parseFilterArgument),
    expression: start < 0 ? undefined : positionals.slice(start).join(" "),
  };
}

/** An address starts with hexadecimal digits up to a dot, colon or slash. Digits alone are not an expression either. */
const ADDRESS = /^\s*(?:[0-9a-fA-F]*[.:/]|[0-9]+$)/;

function startsExpression(argument: string): boolean {
  if (argument.trim() === "" || ADDRESS.test(argument)) return false;
  const [, sourcePort = "", , destinationPort = "", protocol] = splitAtSpaces(argument);
  return !(isDigits(sourcePort) && isDigits(destinationPort) && protocol !== undefined);
}
