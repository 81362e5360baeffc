/**
 * Compares two strings by code points, which is the order of their UTF-8 bytes, as in Go. JavaScript's `<` compares
 * UTF-16 code units, which puts U+10000 and above before U+E000 to U+FFFF.
 */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const leftUnit = left.charCodeAt(index);
    const rightUnit = right.charCodeAt(index);
    // Two different surrogates compare by value: either both are high surrogates, or the high surrogates before them
    // were equal.
    if (leftUnit !== rightUnit) return rank(leftUnit) - rank(rightUnit);
  }
  return left.length - right.length;
}

/** Surrogates encode characters above all those of a single code unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x1_0000 : unit;
}
