/**
 * Orders two texts by their code points, which is the order of their UTF-8 bytes, as Go has it. JavaScript's `<` goes by UTF-16
 * units, which puts U+10000 and above before U+E000–U+FFFF.
 */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    // Two different halves of pairs order as they are: either both are first halves, or the first ones were equal.
    if (leftUnit !== rightUnit) return rank(leftUnit) - rank(rightUnit);
  }
  return left.length - right.length;
}

/** Surrogates stand for characters above all those of one unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
