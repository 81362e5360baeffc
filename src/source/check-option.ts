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
