/** Maximum edit distance between a misspelled name and the suggestion. */
const MAX_DISTANCE = 2;
/** Maximum length of a name to look up, in UTF-16 code units. */
const MAX_LENGTH = 64;

/**
 * Suggests the name that was probably meant: the nearest within two edits, else the only one that starts with `given`,
 * else the only one that contains all words of `given` (`maxBytes` suggests `maxFileBytes`), else the only one whose
 * words it abbreviates (`destPort` suggests `destination_port`).
 */
export function suggest(given: string, names: readonly string[]): string | undefined {
  if (given === "" || given.length > MAX_LENGTH) return undefined;
  return (
    nearest(given, names) ??
    onlyOne(names, (name) => name.startsWith(given)) ??
    onlyOne(names, (name) => hasWords(wordsOf(name), wordsOf(given))) ??
    onlyOne(names, (name) => abbreviates(wordsOf(name), wordsOf(given)))
  );
}

function nearest(given: string, names: readonly string[]): string | undefined {
  const plain = wordsOf(given).join("");
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, given.length - 1) + 1;
  for (const name of names) {
    // The same words in another notation (`max_file_bytes`) have distance 0.
    const distance = plain !== "" && wordsOf(name).join("") === plain ? 0 : editDistance(given, name);
    if (distance >= bestDistance) continue;
    best = name;
    bestDistance = distance;
  }
  return best;
}

function onlyOne(names: readonly string[], matches: (name: string) => boolean): string | undefined {
  const [first, second] = names.filter(matches);
  return second === undefined ? first : undefined;
}

/** Splits `maxFileBytes`, `max_file_bytes` or `max-file-bytes` into lowercase words. */
function wordsOf(name: string): string[] {
  const words = name.match(/[A-Z]?[a-z0-9]+|[A-Z]+/g) ?? [];
  return words.map((word) => word.toLowerCase());
}

/** Whether all given words occur in a name. Requires at least two: a single word matches too much. */
function hasWords(words: readonly string[], given: readonly string[]): boolean {
  return given.length > 1 && given.every((word) => words.includes(word));
}

/** Whether each given word begins the word of a name at the same place. Requires at least two, as {@link hasWords}. */
function abbreviates(words: readonly string[], given: readonly string[]): boolean {
  return (
    given.length > 1 &&
    given.length === words.length &&
    given.every((word, index) => words[index]!.startsWith(word))
  );
}

/** Counts insertions, deletions, substitutions and transpositions of neighbours (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      let distance = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + cost);
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) distance = Math.min(distance, beforeLast[column - 2]! + 1);
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length]!;
}
