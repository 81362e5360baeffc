import { goQuote } from "../../go-quote.js";
import type { PacketFilterInit } from "../../packet/filter-check.js";
import { UsageError } from "../error-text.js";

const FIELDS = 5;
const MAX_PORT = 0xffff;

/** As `hubble record` knows them, in capitals. */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ["ANY", 0],
  ["TCP", 6],
  ["UDP", 17],
  ["SCTP", 132],
]);

/**
 * Reads a filter as `hubble record` does: source prefix, source port, destination prefix, destination port, protocol, with one
 * space between them (hubble/cmd/record). Prefixes are looked at later, together with those of all other filters.
 *
 * @throws UsageError in Hubble's words.
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

/** Go's `strings.SplitN(text, " ", 5)`: the fifth field has all the rest. */
function splitAtSpaces(text: string): string[] {
  const fields = text.split(" ");
  return fields.length <= FIELDS
    ? fields
    : [...fields.slice(0, FIELDS - 1), fields.slice(FIELDS - 1).join(" ")];
}

/** Go's `strconv.ParseUint(text, 10, 16)`: digits, and nothing else. */
function parsePort(text: string, side: "source" | "destination"): number {
  const isDigits = text !== "" && [...text].every((letter) => letter >= "0" && letter <= "9");
  if (!isDigits || Number(text) > MAX_PORT) throw new UsageError(`invalid ${side} port: ${text}`);
  return Number(text);
}

function parseProtocol(text: string): number {
  const protocol = PROTOCOLS.get(text.toUpperCase());
  if (protocol === undefined) throw new UsageError(`unsupported protocol: ${text}`);
  return protocol;
}
