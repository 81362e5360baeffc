import { decodeNumbers } from "./decode.js";
import { MAX_CODE_POINT, mergeRanges, negateRanges, type Ranges, subtractRanges } from "./ranges.js";
import {
  CATEGORY_LENGTHS,
  CATEGORY_NAMES,
  CATEGORY_VALUES,
  SCRIPT_LENGTHS,
  SCRIPT_NAMES,
  SCRIPT_VALUES,
} from "./table.js";

/** Returns the code points of a named Unicode class in a release of Go; undefined for an unknown name. */
export type UnicodeClassNames = (name: string) => Ranges | undefined;

/**
 * The names that `\p{…}` supports in Go 1.21 to 1.24: `Any`, and the categories (except `Cn`, unassigned) and scripts
 * of Unicode 15.0.0, all case-sensitive.
 */
export const unicodeClass: UnicodeClassNames = (name) => {
  if (name === "Any") return ANY;
  let ranges = known.get(name);
  if (ranges === undefined) {
    ranges = categoryRanges(name) ?? scriptRanges(name);
    if (ranges !== undefined) known.set(name, ranges);
  }
  return ranges;
};

/** Returns the code points without a character, which is a category of its own (`Cn`). */
export function unassignedRanges(): Ranges {
  return categoryRuns().get(UNASSIGNED)!;
}

/** Returns all code points except {@link unassignedRanges}. */
export function assignedRanges(): Ranges {
  return negateRanges(unassignedRanges());
}

const UNASSIGNED = "Cn";
const NO_SCRIPT = "-";
const ANY: Ranges = [0, MAX_CODE_POINT];

/** A cache of the classes used so far, bounded by the number of names. */
const known = new Map<string, Ranges>();

type RunsByName = ReadonlyMap<string, readonly number[]>;
let categories: RunsByName | undefined;
let scripts: RunsByName | undefined;

function categoryRuns(): RunsByName {
  categories ??= decodeRuns(CATEGORY_NAMES, CATEGORY_LENGTHS, CATEGORY_VALUES);
  return categories;
}

/**
 * Returns a category (`Lu`), or all categories with a letter (`L`). Until Go 1.24, unassigned code points are in no
 * category.
 */
function categoryRanges(name: string): Ranges | undefined {
  if (name === UNASSIGNED) return undefined;
  if (name.length !== 1) return categoryRuns().get(name);
  const ranges: number[] = [];
  for (const [category, runs] of categoryRuns()) {
    if (category.startsWith(name) && category !== UNASSIGNED) for (const end of runs) ranges.push(end);
  }
  return ranges.length === 0 ? undefined : mergeRanges(ranges);
}

function scriptRanges(name: string): Ranges | undefined {
  scripts ??= decodeRuns(SCRIPT_NAMES, SCRIPT_LENGTHS, SCRIPT_VALUES);
  const runs = name === NO_SCRIPT ? undefined : scripts.get(name);
  // The runs include unassigned code points.
  return runs && subtractRanges(runs, unassignedRanges());
}

function decodeRuns(names: string, lengths: string, values: string): RunsByName {
  const runs = names.split(" ").map((name) => [name, [] as number[]] as const);
  const indexes = decodeNumbers(values);
  let start = 0;
  decodeNumbers(lengths).forEach((length, run) => {
    runs[indexes[run]!]![1].push(start, start + length - 1);
    start += length;
  });
  return new Map(runs);
}
