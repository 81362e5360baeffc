import { parseUint } from "../go/strconv/parse-integer.js";
import { goQuote } from "../go/strconv/quote.js";

/**
 * Parses a port like Go's `strconv.ParseUint(text, 10, 16)`, as Hubble does: decimal digits with any number of leading
 * zeros. Returns the error text if the string is not a port.
 */
export function parsePort(text: string): number | string {
  const parsed = parseUint(text, 10, 16);
  return "fault" in parsed ? `invalid port ${goQuote(text)}: ${parsed.fault}` : Number(parsed.value);
}

/**
 * Compiles ports into a test for a flow's port. A flow's port has 32 bits, of which Hubble compares the low 16, so
 * 65616 is port 80.
 */
export function compilePorts(wanted: readonly number[]): (port: number) => boolean {
  const [only] = wanted;
  if (only !== undefined && wanted.length === 1) return (port) => (port & 0xffff) === only;
  const bits = new Uint32Array(0x1_0000 / 32);
  for (const port of wanted) bits[port >>> 5]! |= 1 << port;
  return (port) => ((bits[(port & 0xffff) >>> 5]! >>> port) & 1) === 1;
}
