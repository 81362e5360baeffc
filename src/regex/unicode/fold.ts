import { decodeNumbers } from "./decode.js";
import { mergeRanges, type Ranges } from "./ranges.js";
import { FOLDING } from "./table.js";

/** The code points that have case variants, sorted, each with its orbit. */
interface Folding {
  readonly codePoints: Uint32Array;
  readonly orbits: readonly (readonly number[])[];
}

let folding: Folding | undefined;

/** Returns all code points that are equal under simple case folding (Unicode 15.0.0), including the given one. */
export function foldOrbit(codePoint: number): readonly number[] {
  folding ??= decodeFolding();
  const { codePoints, orbits } = folding;
  const index = firstFrom(codePoints, codePoint);
  return codePoints[index] === codePoint ? orbits[index]! : [codePoint];
}

/** Returns the ranges extended by all code points that fold to one of theirs. */
export function foldRanges(ranges: Ranges): Ranges {
  folding ??= decodeFolding();
  const { codePoints, orbits } = folding;
  const folded = [...ranges];
  for (let at = 0; at < ranges.length; at += 2) {
    const low = ranges[at]!;
    const high = ranges[at + 1]!;
    for (let index = firstFrom(codePoints, low); codePoints[index]! <= high; index++) {
      for (const equal of orbits[index]!) if (equal < low || equal > high) folded.push(equal, equal);
    }
  }
  return mergeRanges(folded);
}

/** The index of the first code point that is not below `low`. */
function firstFrom(codePoints: Uint32Array, low: number): number {
  let from = 0;
  let to = codePoints.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (codePoints[middle]! < low) from = middle + 1;
    else to = middle;
  }
  return from;
}

function decodeFolding(): Folding {
  const orbits = new Map<number, number[]>();
  const runs = decodeNumbers(FOLDING);
  let codePoint = 0;
  for (let at = 0; at < runs.length; at += 4) {
    const [gap, count, stride, zigzag] = runs.slice(at, at + 4) as [number, number, number, number];
    const distance = (zigzag >>> 1) ^ -(zigzag & 1);
    codePoint += gap;
    for (let index = 0; index < count; index++) {
      if (index > 0) codePoint += stride;
      const target = codePoint + distance;
      const orbit = orbits.get(target) ?? [target];
      orbit.push(codePoint);
      orbits.set(target, orbit);
      orbits.set(codePoint, orbit);
    }
  }
  const codePoints = Uint32Array.from(orbits.keys()).sort();
  return { codePoints, orbits: Array.from(codePoints, (member) => orbits.get(member)!) };
}
