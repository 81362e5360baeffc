/** The texts between the wildcards of a pattern, in order: without a wildcard the whole name. */
export interface NamePattern {
  readonly literals: readonly string[];
}

/** Whether the part of a text from `start` to before `end` is a name that is wanted. */
export type NameMatcher = (text: string, start: number, end: number) => boolean;

/** From here on a look-up that hashes a part of the text is quicker than comparing one after the other. */
const MANY = 16;

/**
 * Whether a name matches any of the patterns; an undefined one stands for any valid name. A wildcard takes any number of
 * `a-z 0-9 - .`, so that it never takes a character outside them, such as `_` or upper case.
 *
 * No pattern costs more than a few passes over the name, however both are made.
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

/** Finds what belongs to the part of a text from `start` to before `end`. */
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

/** `prefix*`: whatever begins with the prefix, the wildcard has to take all after it. */
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

/** `*suffix`: whatever ends with the suffix, the wildcard has to take all before it. */
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
 * Wildcards between literals. Each literal is taken where it first occurs: if it could also stand later, then the
 * wildcard before it takes all up to there, so that the literal consists of what wildcards take, and the next wildcard
 * can take what was passed over.
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
 * Finds where the first occurrence of a literal ends, with nothing before it but what a wildcard takes; -1 if there is
 * none. Knuth, Morris and Pratt's search, because it looks at no character of the text twice: `indexOf` may.
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

/** For each length, how much of the literal's beginning of that length is also its end, less than the whole. */
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

/** Labels of `a-z 0-9 - _`, none empty, with a dot between: `fqdnRegexpStr` in cilium/pkg/hubble/filters/patterns.go. */
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

/** How far a wildcard at `start` can reach. */
function endOfWild(text: string, start: number, end: number): number {
  let index = start;
  while (index < end && isWild(text.charCodeAt(index))) index++;
  return index;
}

/** From where a wildcard can reach to `end`. */
function startOfWild(text: string, start: number, end: number): number {
  let index = end;
  while (index > start && isWild(text.charCodeAt(index - 1))) index--;
  return index;
}

/** `a-z 0-9 - .` */
function isWild(code: number): boolean {
  return code >= 0x61 ? code <= 0x7a : code >= 0x2d && code <= 0x39 && code !== 0x2f;
}
