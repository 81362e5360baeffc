import type { ValueCheck } from "./value-checks.js";

/**
 * Checks an argument, for callers without types.
 *
 * @param name Name of the function, for the message.
 * @throws TypeError that names the function and the argument.
 */
export function checkArgument<V>(name: string, argument: string, value: V, check: ValueCheck<V>): void {
  check(value, argument, (path, message) => {
    throw new TypeError(`${name}: ${path} ${message}`);
  });
}
