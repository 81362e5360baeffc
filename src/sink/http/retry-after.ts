/** Without a usable header, the caller decides when to repeat the request. */
const NO_DELAY = 0;

/**
 * Milliseconds until the time that a `Retry-After` header names: seconds, or a date (RFC 9110, section 10.2.3). 0 if the
 * header is missing or invalid, or the time has passed.
 *
 * @param nowMs Milliseconds since 1970.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  const value = header?.trim() ?? "";
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  // Date.parse also reads numbers such as "-1" as years.
  const date = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? NO_DELAY : Math.max(date - nowMs, 0);
}
