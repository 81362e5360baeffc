/** Edits that a misspelt word may be away from the one that was meant. */
const MAX_DISTANCE = 2;
/** Longer words are not compared. */
const MAX_LENGTH = 64;

/** The word that was probably meant: the nearest within two edits, or the only one that begins so. */
export function suggest(word: string, words: readonly string[]): string | undefined {
  if (word === "" || word.length > MAX_LENGTH) return undefined;
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, word.length - 1) + 1;
  for (const candidate of words) {
    const distance = editDistance(word, candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  if (best !== undefined) return best;
  const beginning = words.filter((candidate) => candidate.startsWith(word));
  return beginning.length === 1 ? beginning[0] : undefined;
}

/** Letters put in, left out, exchanged for another, or swapped with the next (optimal string alignment). */
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
