import { UsageError } from "../error-text.js";

const UNITS: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["B", 1],
  ["kB", 1e3],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  // As in GNU programs: without B, powers of 1024.
  ["K", 2 ** 10],
  ["M", 2 ** 20],
  ["G", 2 ** 30],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
]);

/**
 * Parses a size in bytes such as `64MiB`, `100MB` or `1500`: an integer and an optional unit.
 *
 * @throws UsageError, also for 0.
 */
export function parseSize(flag: string, text: string): number {
  let digits = 0;
  while (digits < text.length && text[digits]! >= "0" && text[digits]! <= "9") digits++;
  const unit = UNITS.get(text.slice(digits));
  const bytes = Number(text.slice(0, digits)) * (unit ?? 0);
  if (digits === 0 || !Number.isSafeInteger(bytes) || bytes === 0) {
    throw new UsageError(
      `invalid size for --${flag}: ${text}, expected a number of bytes, or with kB, MB, GB, KiB, MiB or GiB`,
    );
  }
  return bytes;
}
