import { DETACHED, isAttached } from "../bytes/is-attached.js";
import { checkArgument } from "./check-argument.js";
import { anInteger, aUint8Array } from "./value-checks.js";

/**
 * Checks a buffer and a range of offsets in it, for functions that are called for each event.
 *
 * @param name Name of the function, for the message.
 * @param argument Name of the buffer among its arguments.
 * @throws TypeError that names the function and the argument, also for a buffer that was transferred to another thread.
 */
export function checkByteRange(
  name: string,
  argument: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (bytes instanceof Uint8Array && isRange(bytes, start, end)) return;
  checkArgument(name, argument, bytes, aUint8Array);
  checkArgument(name, "start", start, anInteger(0, bytes.length));
  checkArgument(name, "end", end, anInteger(start, bytes.length));
  if (!isAttached(bytes)) throw new TypeError(`${name}: ${argument} ${DETACHED}`);
}

function isRange(bytes: Uint8Array, start: number, end: number): boolean {
  const isInside = start >= 0 && start <= end && end <= bytes.length;
  return isInside && Number.isInteger(start) && Number.isInteger(end) && isAttached(bytes);
}
