/**
 * The literals between the wildcards of a pattern, in order. A pattern without a wildcard has one literal, the whole
 * name.
 */
export interface NamePattern {
  readonly literals: readonly string[];
}

/** Whether the substring from `start` up to but excluding `end` matches. */
export type NameMatcher = (text: string, start: number, end: number) => boolean;

/** Above this number of entries, hashing a substring is faster than a linear search. */
const MANY = 16;

/**
 * Compiles patterns into one matcher; an undefined pattern matches any valid name. A wildcard matches any number of
 * `a-z 0-9 - .`, and therefore never matches `_` or upper case.
 *
 * Each pattern takes time linear in the length of the name.
 */
export function compileNames(patterns: readonly (NamePattern | undefined)[]): NameMatcher {
  const exact = new Map<string, true>();
  const prefixes = new Set<string>();
  const suffixes = new Set<string>();
  const matchers: NameMatcher[] = [];
  for (const { literals } of patterns.filter((pattern) => pattern !== undefined)) {
    const [first = "", last = ""] = literals;
    if (literals.length === 1) exact.set(first, true);
    else if (literals.length === 2 && first === "") suffixes.add(last);
    else if (literals.length === 2 && last === "") prefixes.add(first);
    else matchers.push(compileLiterals(literals));
  }
  if (suffixes.size > 0) matchers.unshift(compileSuffixes([...suffixes]));
  if (prefixes.size > 0) matchers.unshift(compilePrefixes([...prefixes]));
  if (exact.size > 0) {
    const find = compileLookup(exact);
    matchers.unshift((text, start, end) => find(text, start, end) === true);
  }
  if (patterns.includes(undefined)) matchers.unshift(isValidName);
  return anyOf(matchers);
}

/** Returns the value for the substring from `start` up to but excluding `end`. */
export function compileLookup<T>(
  entries: ReadonlyMap<string, T>,
): (text: string, start: number, end: number) => T | undefined {
  if (entries.size > MANY) return (text, start, end) => entries.get(text.slice(start, end));
  const keys = [...entries.keys()];
  const values = [...entries.values()];
  return (text, start, end) => {
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!;
      if (key.length === end - start && text.startsWith(key, start)) return values[index];
    }
    return undefined;
  };
}

function anyOf(matchers: readonly NameMatcher[]): NameMatcher {
  const [first, second] = matchers;
  if (first === undefined) return () => false;
  if (second === undefined) return first;
  if (matchers.length === 2) return (text, start, end) => first(text, start, end) || second(text, start, end);
  return (text, start, end) => {
    for (let index = 0; index < matchers.length; index++) {
      if (matchers[index]!(text, start, end)) return true;
    }
    return false;
  };
}

/** `prefix*`: the name begins with the prefix and the wildcard matches the rest. */
function compilePrefixes(prefixes: readonly string[]): NameMatcher {
  if (prefixes.length > MANY) return compileManyPrefixes(prefixes);
  return (text, start, end) => {
    let wildStart = -1;
    for (let index = 0; index < prefixes.length; index++) {
      const prefix = prefixes[index]!;
      const prefixEnd = start + prefix.length;
      if (prefixEnd > end || !text.startsWith(prefix, start)) continue;
      if (wildStart < 0) wildStart = startOfWild(text, start, end);
      if (prefixEnd >= wildStart) return true;
    }
    return false;
  };
}

function compileManyPrefixes(prefixes: readonly string[]): NameMatcher {
  const byLength = groupByLength(prefixes);
  return (text, start, end) => {
    const least = startOfWild(text, start, end) - start;
    for (const { length, affixes } of byLength) {
      if (length >= least && length <= end - start && affixes.has(text.slice(start, start + length)))
        return true;
    }
    return false;
  };
}

/** `*suffix`: the name ends with the suffix and the wildcard matches everything before it. */
function compileSuffixes(suffixes: readonly string[]): NameMatcher {
  if (suffixes.length > MANY) return compileManySuffixes(suffixes);
  return (text, start, end) => {
    let wildEnd = -1;
    for (let index = 0; index < suffixes.length; index++) {
      const suffix = suffixes[index]!;
      const suffixStart = end - suffix.length;
      if (suffixStart < start || !text.startsWith(suffix, suffixStart)) continue;
      if (wildEnd < 0) wildEnd = endOfWild(text, start, end);
      if (suffixStart <= wildEnd) return true;
    }
    return false;
  };
}

function compileManySuffixes(suffixes: readonly string[]): NameMatcher {
  const byLength = groupByLength(suffixes);
  return (text, start, end) => {
    const least = end - endOfWild(text, start, end);
    for (const { length, affixes } of byLength) {
      if (length >= least && length <= end - start && affixes.has(text.slice(end - length, end))) return true;
    }
    return false;
  };
}

function groupByLength(affixes: readonly string[]): { length: number; affixes: Set<string> }[] {
  const groups = new Map<number, Set<string>>();
  for (const affix of affixes) {
    const group = groups.get(affix.length);
    if (group === undefined) groups.set(affix.length, new Set([affix]));
    else group.add(affix);
  }
  return [...groups].map(([length, group]) => ({ length, affixes: group }));
}

/**
 * Patterns with wildcards between literals. Matching each literal at its first occurrence is enough: if it also occurs
 * later, the wildcard before it must match everything up to there. The literal then consists of wildcard characters
 * only, and the next wildcard can match the skipped part.
 */
function compileLiterals(literals: readonly string[]): NameMatcher {
  const first = literals[0]!;
  const last = literals.at(-1)!;
  const finders = literals.slice(1, -1).map(compileFinder);
  return (text, start, end) => {
    const stop = end - last.length;
    let at = start + first.length;
    if (at > stop || !text.startsWith(first, start) || !text.startsWith(last, stop)) return false;
    for (let index = 0; index < finders.length; index++) {
      const found = finders[index]!(text, at, stop);
      if (found < 0) return false;
      at = found;
    }
    return endOfWild(text, at, stop) === stop;
  };
}

/**
 * Returns the end of the first occurrence of a literal that is preceded only by wildcard characters; -1 if the first
 * occurrence is not, or if there is no occurrence. Uses Knuth-Morris-Pratt because it is linear in the worst case,
 * which `indexOf` does not guarantee.
 */
function compileFinder(literal: string): (text: string, start: number, end: number) => number {
  const { length } = literal;
  const borders = bordersOf(literal);
  return (text, start, end) => {
    let matched = 0;
    for (let index = start; index < end; index++) {
      const code = text.charCodeAt(index);
      while (matched > 0 && literal.charCodeAt(matched) !== code) matched = borders[matched]!;
      if (literal.charCodeAt(matched) === code) matched++;
      if (matched === length) {
        const found = index + 1 - length;
        return endOfWild(text, start, found) === found ? index + 1 : -1;
      }
    }
    return -1;
  };
}

/** For each prefix of the literal, by length: the length of its longest proper prefix that is also its suffix. */
function bordersOf(literal: string): Uint32Array {
  const borders = new Uint32Array(literal.length + 1);
  let border = 0;
  for (let length = 2; length <= literal.length; length++) {
    const code = literal.charCodeAt(length - 1);
    while (border > 0 && literal.charCodeAt(border) !== code) border = borders[border]!;
    if (literal.charCodeAt(border) === code) border++;
    borders[length] = border;
  }
  return borders;
}

const DOT = 0x2e;

/** Non-empty labels of `a-z 0-9 - _`, separated by dots: `fqdnRegexpStr` in cilium/pkg/hubble/filters/patterns.go. */
function isValidName(text: string, start: number, end: number): boolean {
  let afterDot = true;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (afterDot) return false;
      afterDot = true;
    } else {
      if (!isWild(code) && code !== 0x5f) return false;
      afterDot = false;
    }
  }
  return !afterDot;
}

/** The end of the longest run of wildcard characters that begins at `start`. */
function endOfWild(text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isWild(text.charCodeAt(index))) index++;
  return index;
}

/** The start of the longest run of wildcard characters that ends at `end`. */
function startOfWild(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && isWild(text.charCodeAt(index - 1))) index--;
  return index;
}

/** `a-z 0-9 - .` */
function isWild(code: number): boolean {
  return code >= 0x61 ? code <= 0x7a : code >= 0x2d && code <= 0x39 && code !== 0x2f;
}
