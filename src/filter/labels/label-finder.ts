import { compareBytes } from "./byte-order.js";
import { CIDR_START, type CidrKey, CidrLabelMemo, cidrKeyContains, parseCidrKey } from "./cidr-label.js";
import { goSort, STABLE_LENGTH } from "./go-sort.js";
import { ANY_SOURCE, CIDR_SOURCE, parseLabel, RESERVED_PREFIX, RESERVED_SOURCE } from "./label.js";

/** More keys than this are looked up in a map, not one by one. */
export const LISTED_LOOKUPS = 8;

/** A key that one or more requirements speak of. */
interface Lookup {
  readonly source: string;
  readonly key: string;
  /** What a matching label has where its key begins, or from its own beginning if `whole`. */
  readonly text: string;
  readonly first: number;
  /** Only labels that begin with `source:key` match, so that it need not be known where their sources end. */
  readonly whole: boolean;
  readonly reserved: boolean;
  /** The key is a prefix, and matches the labels whose prefixes it holds. */
  readonly cidr: CidrKey | undefined;
}

/**
 * Finds in the labels of an event those that requirements speak of, as cilium's `LabelArray.Get` finds them in the sorted
 * array: the first with the key. In general nothing is parsed, sorted or allocated to do so.
 */
export class LabelFinder {
  /** Per lookup, as of the last `find`: the index of its label, or -1. */
  label: Int32Array = new Int32Array(0);
  /** Where the value of that label begins; its end for an empty value. */
  value: Int32Array = new Int32Array(0);

  readonly #lookups: Lookup[] = [];
  readonly #byName = new Map<string, number>();
  /** The lookups of each key, but for prefixes. */
  readonly #byKey = new Map<string, number[]>();
  readonly #prefixes: number[] = [];
  /** Some lookup needs to know where the keys of labels begin. */
  #needsStart = false;
  /** Several labels match one lookup with different values, so that it matters how Go sorts them. */
  #ambiguous = false;

  /** The number of the lookup for a key of a selector. */
  add(source: string, key: string): number {
    const name = `${source}:${key}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const number = this.#lookups.length;
    const reserved = source === RESERVED_SOURCE;
    const whole = source !== ANY_SOURCE && !reserved;
    const text = whole ? name : key;
    const cidr = source === CIDR_SOURCE ? parseCidrKey(key) : undefined;
    this.#lookups.push({ source, key, text, first: text.charCodeAt(0), whole, reserved, cidr });
    this.#byName.set(name, number);
    if (cidr !== undefined) {
      this.#prefixes.push(number);
    } else {
      const sameKey = this.#byKey.get(key);
      if (sameKey === undefined) this.#byKey.set(key, [number]);
      else sameKey.push(number);
    }
    this.#needsStart ||= !whole;
    return number;
  }

  find(labels: readonly string[]): void {
    const count = this.#lookups.length;
    if (this.label.length < count) {
      this.label = new Int32Array(count);
      this.value = new Int32Array(count);
    }
    for (let number = 0; number < count; number++) this.label[number] = -1;
    this.#ambiguous = false;
    if (count <= LISTED_LOOKUPS) this.#findListed(labels);
    else this.#findMapped(labels);
    if (this.#prefixes.length > 0) this.#findPrefixes(labels);
    if (this.#ambiguous) this.#findSorted(labels);
  }

  /** For few lookups: compares each label with each key, beginning with what tells most of them apart. */
  #findListed(labels: readonly string[]): void {
    const lookups = this.#lookups;
    let missing = lookups.length - this.#prefixes.length;
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      const start = this.#needsStart ? keyStart(label) : 0;
      if (start === ODD) {
        missing -= this.#findOdd(labels, index);
        continue;
      }
      for (let number = 0; number < lookups.length; number++) {
        const lookup = lookups[number]!;
        const from = lookup.whole ? 0 : start;
        const end = from + lookup.text.length;
        if (end < label.length ? label.charCodeAt(end) !== EQUALS : end > label.length) continue;
        if (label.charCodeAt(from) !== lookup.first || !label.startsWith(lookup.text, from)) continue;
        if (lookup.cidr !== undefined || (lookup.reserved && !isReserved(label, start))) continue;
        missing -= this.#found(number, labels, index, end + 1);
      }
      if (missing === 0 && isSortStable(labels)) return;
    }
  }

  /** For many lookups: takes the key out of each label and looks it up. */
  #findMapped(labels: readonly string[]): void {
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      const start = keyStart(label);
      if (start === ODD) {
        this.#findOdd(labels, index);
        continue;
      }
      const equals = label.indexOf("=", start);
      const end = equals < 0 ? label.length : equals;
      const numbers = this.#byKey.get(label.slice(start, end));
      if (numbers === undefined) continue;
      for (const number of numbers) {
        const lookup = this.#lookups[number]!;
        const matches = lookup.whole
          ? start === lookup.source.length + 1 && label.startsWith(lookup.text)
          : !lookup.reserved || isReserved(label, start);
        if (matches) this.#found(number, labels, index, end + 1);
      }
    }
  }

  /** A label whose key may contain `=`. Returns how many lookups it is the first for. */
  #findOdd(labels: readonly string[], index: number): number {
    const { source, key, value } = parseLabel(labels[index]!);
    let found = 0;
    for (const number of this.#byKey.get(key) ?? []) {
      const wanted = this.#lookups[number]!.source;
      if (wanted !== ANY_SOURCE && wanted !== source) continue;
      found += this.#found(number, labels, index, labels[index]!.length - value.length);
    }
    return found;
  }

  #findPrefixes(labels: readonly string[]): void {
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      if (!label.startsWith(CIDR_START)) continue;
      const cidr = prefixes.read(label);
      if (cidr === undefined) continue;
      const equals = label.indexOf("=", CIDR_START.length);
      const end = equals < 0 ? label.length : equals;
      for (const number of this.#prefixes) {
        if (cidrKeyContains(this.#lookups[number]!.cidr!, cidr)) this.#found(number, labels, index, end + 1);
      }
    }
  }

  /** Notes a label that matches a lookup. Returns 1 if it is the first to do so, else 0. */
  #found(number: number, labels: readonly string[], index: number, valueStart: number): number {
    const start = Math.min(valueStart, labels[index]!.length);
    const earlier = this.label[number]!;
    if (earlier < 0) {
      this.label[number] = index;
      this.value[number] = start;
      return 1;
    }
    if (this.#ambiguous || (isSortStable(labels) && this.#lookups[number]!.cidr === undefined)) return 0;
    this.#ambiguous = labels[earlier]!.slice(this.value[number]!) !== labels[index]!.slice(start);
    return 0;
  }

  /** As cilium does it: parse all, sort all, take the first. */
  #findSorted(labels: readonly string[]): void {
    const sorted = labels.map((text, index) => ({ index, text, ...parseLabel(text) }));
    goSort(sorted, (left, right) => compareBytes(left.key, right.key));
    this.#lookups.forEach(({ source, key, cidr }, number) => {
      const first = sorted.find((label) => {
        if (source !== ANY_SOURCE && source !== label.source) return false;
        if (cidr === undefined) return label.key === key;
        const inner = parseCidrKey(label.key);
        return inner !== undefined && cidrKeyContains(cidr, inner);
      });
      this.label[number] = first === undefined ? -1 : first.index;
      this.value[number] = first === undefined ? 0 : first.text.length - first.value.length;
    });
  }
}

const prefixes = new CidrLabelMemo(4096);

const EQUALS = 0x3d;
const COLON = 0x3a;
const DOLLAR = 0x24;

/** In place of a start: the key is empty or the value of a reserved label. */
const ODD = -1;

/** Most sources are shorter; a colon after more characters than this is left to the runtime to find. */
const USUAL_SOURCE_LENGTH = 12;

/** Labels with equal keys stay in their order, so that the first of them decides. */
function isSortStable(labels: readonly string[]): boolean {
  return labels.length <= STABLE_LENGTH;
}

/** Where the key of a label begins, or {@link ODD}; see `parseLabel`. */
function keyStart(label: string): number {
  const start = afterSource(label);
  return start < label.length && label.charCodeAt(start) === EQUALS ? ODD : start;
}

function afterSource(label: string): number {
  const limit = Math.min(label.length, USUAL_SOURCE_LENGTH);
  if (limit > 0 && label.charCodeAt(0) === DOLLAR) return 1;
  for (let index = 0; index < limit; index++) {
    if (label.charCodeAt(index) === COLON) return index + 1;
  }
  const colon = label.length > limit ? label.indexOf(":", limit) : -1;
  if (colon >= 0) return colon + 1;
  return label.startsWith(RESERVED_PREFIX) ? RESERVED_PREFIX.length : 0;
}

/** Whether the source of a label is reserved, given where its key begins. */
function isReserved(label: string, start: number): boolean {
  // Before the key stands "$", "reserved:" or "reserved.", the last only if there is no colon at all.
  if (start === 1) return label.charCodeAt(0) === DOLLAR;
  return start === RESERVED_PREFIX.length && label.startsWith(RESERVED_SOURCE);
}
