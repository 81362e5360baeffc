import { copyOf } from "../bytes/copy-string.js";

type TextTest = (text: string) => boolean;

/** Longer strings are not cached. */
export const MEMO_TEXT_LENGTH = 256;
/** The maximum number of cached code units per entry. */
const UNITS_PER_ENTRY = 64;
/** The number of lookups after which the hit rate is checked. */
const TRIAL = 1024;
/** The number of lookups that bypass the memo after a trial with a hit rate below one half. */
const PAUSE = 16 * TRIAL;

/**
 * Caches the results for recent strings in two generations. When the younger one is full, the older one is dropped, so
 * frequent strings stay cached. If strings rarely repeat, the memo pauses and costs next to nothing.
 *
 * @param entries Returns the maximum number of strings; called when the first one is stored.
 */
export function memoize(test: TextTest, entries: () => number): TextTest {
  let generation = 0;
  let young = new Map<string, boolean>();
  let old = new Map<string, boolean>();
  let units = 0;
  let lookups = 0;
  let hits = 0;
  let pause = 0;
  return (text) => {
    if (text.length > MEMO_TEXT_LENGTH) return test(text);
    if (pause > 0) {
      pause--;
      return test(text);
    }
    if (++lookups === TRIAL) {
      if (hits < TRIAL / 2) {
        pause = PAUSE;
        young = new Map();
        old = new Map();
        units = 0;
      }
      lookups = 0;
      hits = 0;
    }
    const recent = young.get(text);
    if (recent !== undefined) {
      hits++;
      return recent;
    }
    const before = old.get(text);
    if (before !== undefined) hits++;
    const result = before ?? test(text);
    if (generation === 0) generation = Math.max(1, Math.floor(entries() / 2));
    if (young.size >= generation || units + text.length > generation * UNITS_PER_ENTRY) {
      old = young;
      young = new Map();
      units = 0;
    }
    young.set(copyOf(text), result);
    units += text.length;
    return result;
  };
}
