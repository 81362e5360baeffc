/** @throws RangeError for what is no whole number of the range. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
  }
}

/** For callers without types. @throws RangeError for another word. */
export function checkWord(name: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) {
    throw new RangeError(`${name} must be one of ${words.join(", ")}, not ${String(value)}`);
  }
}

/**
 * For callers without types: a misspelt option would be none.
 *
 * @throws RangeError for a key that is not known; TypeError for what is no object.
 */
export function checkKeys(name: string, value: object, known: readonly string[]): void {
  if (typeof value !== "object" || value === null) {
    throw new TypeError(`${name} must be an object, not ${String(value)}`);
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new RangeError(`${name} has no ${key}, only ${known.join(", ")}`);
  }
}

/** @throws TypeError for what is no text. */
export function checkString(name: string, value: unknown): void {
  if (typeof value !== "string") throw new TypeError(`${name} must be a string, not ${typeof value}`);
}
