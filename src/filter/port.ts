import { goQuote } from "../go/quote.js";

/**
 * Reads a port as Go's `strconv.ParseUint(text, 10, 16)` does: decimal digits only, as many leading zeros as you like.
 * What is no port gives the error text instead.
 */
export function parsePort(text: string): number | string {
  if (text === "") return invalidPort(text, "invalid syntax");
  let port = 0;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return invalidPort(text, "invalid syntax");
    port = 10 * port + digit;
    // As in Go, digits that are too many are found before what follows them is looked at.
    if (port > 0xffff) return invalidPort(text, "value out of range");
  }
  return port;
}

/**
 * Whether a flow's port is one of the wanted ones. Flows have 32 bits for a port; Hubble compares the lower 16, so that
 * 65616 is port 80.
 */
export function compilePorts(wanted: readonly number[]): (port: number) => boolean {
  const [only] = wanted;
  if (only !== undefined && wanted.length === 1) return (port) => (port & 0xffff) === only;
  const bits = new Uint32Array(0x1_0000 / 32);
  for (const port of wanted) bits[port >>> 5]! |= 1 << port;
  return (port) => ((bits[(port & 0xffff) >>> 5]! >>> port) & 1) === 1;
}

function invalidPort(text: string, reason: string): string {
  const quoted = goQuote(text);
  return `invalid port ${quoted}: strconv.ParseUint: parsing ${quoted}: ${reason}`;
}
