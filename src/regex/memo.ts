import { copyOf } from "../bytes/copy-string.js";

type TextTest = (text: string) => boolean;

/** Texts longer than this are not remembered. */
export const MEMO_TEXT_LENGTH = 256;
/** Code units remembered at most, for each entry allowed. */
const UNITS_PER_ENTRY = 64;
/** After this many questions the memo looks whether it earns its keep. */
const TRIAL = 1024;
/** Questions that pass it by after a trial in which fewer than half were known. */
const PAUSE = 16 * TRIAL;

/**
 * Remembers the answers for recent texts: in two generations of which the older is forgotten when the younger is full,
 * so that what is asked often stays. Texts that hardly ever repeat cost next to nothing: the memo then pauses.
 *
 * @param entries At most so many texts; asked when the first comes.
 */
export function memoize(test: TextTest, entries: () => number): TextTest {
  let generation = 0;
  let young = new Map<string, boolean>();
  let old = new Map<string, boolean>();
  let units = 0;
  let asked = 0;
  let known = 0;
  let pause = 0;
  return (text) => {
    if (text.length > MEMO_TEXT_LENGTH) return test(text);
    if (pause > 0) {
      pause--;
      return test(text);
    }
    if (++asked === TRIAL) {
      if (known < TRIAL / 2) {
        pause = PAUSE;
        young = new Map();
        old = new Map();
        units = 0;
      }
      asked = 0;
      known = 0;
    }
    const recent = young.get(text);
    if (recent !== undefined) {
      known++;
      return recent;
    }
    const before = old.get(text);
    if (before !== undefined) known++;
    const answer = before ?? test(text);
    if (generation === 0) generation = Math.max(1, Math.floor(entries() / 2));
    if (young.size >= generation || units + text.length > generation * UNITS_PER_ENTRY) {
      old = young;
      young = new Map();
      units = 0;
    }
    young.set(copyOf(text), answer);
    units += text.length;
    return answer;
  };
}
