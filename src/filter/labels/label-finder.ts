import { compareText } from "../../go/compare.js";
import { goSort, STABLE_LENGTH } from "../../go/sort.js";
import { CidrIndex, type NumberedCidr } from "./cidr-index.js";
import { CIDR_START, type CidrKey, CidrKeyMemo, cidrKeyName, parseCidrKey } from "./cidr-label.js";
import { isReserved, keyStart, ODD } from "./key-start.js";
import { ANY_SOURCE, CIDR_SOURCE, type Label, parseLabel, RESERVED_SOURCE } from "./label.js";

/** More keys than this are looked up in a map, not one by one. */
export const LISTED_LOOKUPS = 8;

/** A key that one or more requirements speak of, and that is no prefix. */
interface Lookup {
  readonly number: number;
  /** What a matching label has where its key begins, or from its own beginning if `whole`. */
  readonly text: string;
  readonly first: number;
  /** Only labels that begin with `source:key` match, so that it need not be known where their sources end. */
  readonly whole: boolean;
  readonly reserved: boolean;
}

/**
 * Finds in the labels of an event those that requirements speak of, as cilium's `LabelArray.Get` finds them in the sorted
 * array: the first with the key. In general nothing is parsed, sorted or allocated to do so. Each label is looked at once
 * or twice, and only lookups that have a label are touched, however many there are.
 */
export class LabelFinder {
  /** Per lookup, as of the last `find`: the index of its label, or -1. */
  label: Int32Array = new Int32Array(0);
  /** Where the value of that label begins; its end for an empty value. */
  value: Int32Array = new Int32Array(0);
  /** The lookups that have a label: the first `foundCount`, in no order. */
  found: Int32Array = new Int32Array(0);
  foundCount = 0;

  /** How many lookups there are. */
  #count = 0;
  /** By `source:key`, but that of a prefix, which is its own. */
  readonly #known = new Map<string, number>();
  readonly #lookups: Lookup[] = [];
  /** Those of the lookups that name a source, by `source:key`. */
  readonly #named = new Map<string, number>();
  /** Those that do not, by key. */
  readonly #unnamed = new Map<string, number>();
  /** Some lookup needs to know where the keys of labels begin. */
  #needsStart = false;
  readonly #prefixes: NumberedCidr[] = [];
  /** Of all prefixes; made anew when one is added. */
  #index: CidrIndex | undefined;
  /** Several labels match one lookup with different values, so that it matters how Go sorts them. */
  #ambiguous = false;

  /** The number of the lookup for a key of a selector. */
  add(source: string, key: string): number {
    const cidr = source === CIDR_SOURCE ? parseCidrKey(key) : undefined;
    const name = cidr === undefined ? `${source}:${key}` : cidrKeyName(cidr);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const number = this.#count++;
    this.#known.set(name, number);
    if (cidr === undefined) this.#addKey(number, source, key);
    else this.#addPrefix(number, cidr);
    return number;
  }

  find(labels: readonly string[]): void {
    this.#reset();
    this.#ambiguous = false;
    if (this.#lookups.length <= LISTED_LOOKUPS) this.#findListed(labels);
    else this.#findMapped(labels);
    if (this.#prefixes.length > 0) this.#findPrefixes(labels);
    if (this.#ambiguous) this.findSorted(labels);
  }

  /**
   * As cilium does it: parse all, sort all, take the first. Other than `find` it always finds the very label, not only one
   * of the same value.
   */
  findSorted(labels: readonly string[]): void {
    this.#reset();
    // The first is the one: there is nothing to find out.
    this.#ambiguous = true;
    const sorted = labels.map((text, index) => ({ index, ...parseLabel(text) }));
    goSort(sorted, (left, right) => compareText(left.key, right.key));
    for (const label of sorted) {
      this.#findLabel(label, labels, label.index);
      if (this.#prefixes.length > 0 && label.source === CIDR_SOURCE) this.#findPrefix(labels, label.index);
    }
  }

  #addKey(number: number, source: string, key: string): void {
    const reserved = source === RESERVED_SOURCE;
    const whole = source !== ANY_SOURCE && !reserved;
    const text = whole ? `${source}:${key}` : key;
    this.#lookups.push({ number, text, first: text.charCodeAt(0), whole, reserved });
    this.#needsStart ||= !whole;
    if (source === ANY_SOURCE) this.#unnamed.set(key, number);
    else this.#named.set(`${source}:${key}`, number);
  }

  #addPrefix(number: number, cidr: CidrKey): void {
    this.#prefixes.push({ number, cidr });
    this.#index = undefined;
  }

  #reset(): void {
    for (let index = 0; index < this.foundCount; index++) this.label[this.found[index]!] = -1;
    this.foundCount = 0;
    if (this.label.length >= this.#count) return;
    this.label = new Int32Array(this.#count).fill(-1);
    this.value = new Int32Array(this.#count);
    this.found = new Int32Array(this.#count);
  }

  /** For few lookups: compares each label with each key, beginning with what tells most of them apart. */
  #findListed(labels: readonly string[]): void {
    const lookups = this.#lookups;
    if (lookups.length === 0) return;
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      const start = this.#needsStart ? keyStart(label) : 0;
      if (start === ODD) {
        this.#findLabel(parseLabel(label), labels, index);
        continue;
      }
      for (let position = 0; position < lookups.length; position++) {
        const lookup = lookups[position]!;
        const from = lookup.whole ? 0 : start;
        const end = from + lookup.text.length;
        if (end < label.length ? label.charCodeAt(end) !== EQUALS : end > label.length) continue;
        if (label.charCodeAt(from) !== lookup.first || !label.startsWith(lookup.text, from)) continue;
        if (lookup.reserved && !isReserved(label, start)) continue;
        this.#note(lookup.number, labels, index, end + 1);
      }
      if (this.foundCount === lookups.length && isSortStable(labels)) return;
    }
  }

  /** For many lookups: takes the key out of each label and looks it up. */
  #findMapped(labels: readonly string[]): void {
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      const start = keyStart(label);
      if (start === ODD) {
        this.#findLabel(parseLabel(label), labels, index);
        continue;
      }
      const equals = label.indexOf("=", start);
      const end = equals < 0 ? label.length : equals;
      if (this.#unnamed.size > 0) {
        const number = this.#unnamed.get(label.slice(start, end));
        if (number !== undefined) this.#note(number, labels, index, end + 1);
      }
      if (this.#named.size > 0 && start > 0) {
        const number = this.#named.get(
          isReserved(label, start) ? `${RESERVED_SOURCE}:${label.slice(start, end)}` : label.slice(0, end),
        );
        if (number !== undefined) this.#note(number, labels, index, end + 1);
      }
    }
  }

  #findLabel({ source, key, value }: Label, labels: readonly string[], index: number): void {
    const start = labels[index]!.length - value.length;
    const unnamed = this.#unnamed.get(key);
    if (unnamed !== undefined) this.#note(unnamed, labels, index, start);
    const named = this.#named.size > 0 ? this.#named.get(`${source}:${key}`) : undefined;
    if (named !== undefined) this.#note(named, labels, index, start);
  }

  #findPrefixes(labels: readonly string[]): void {
    for (let index = 0; index < labels.length; index++) {
      if (labels[index]!.startsWith(CIDR_START)) this.#findPrefix(labels, index);
    }
  }

  #findPrefix(labels: readonly string[], index: number): void {
    const label = labels[index]!;
    const equals = label.indexOf("=", CIDR_START.length);
    const end = equals < 0 ? label.length : equals;
    const cidr = memo.read(label, CIDR_START.length, end);
    if (cidr === undefined) return;
    this.#index ??= new CidrIndex(this.#prefixes);
    for (let holder = this.#index.holderOf(cidr); holder !== undefined; holder = holder.parent) {
      this.#note(holder.number, labels, index, end + 1, true);
    }
  }

  /** Notes a label that matches a lookup. */
  #note(
    number: number,
    labels: readonly string[],
    index: number,
    valueStart: number,
    isPrefix = false,
  ): void {
    const start = Math.min(valueStart, labels[index]!.length);
    const earlier = this.label[number]!;
    if (earlier < 0) {
      this.label[number] = index;
      this.value[number] = start;
      this.found[this.foundCount++] = number;
    } else if (!this.#ambiguous && (isPrefix || !isSortStable(labels))) {
      this.#ambiguous = labels[earlier]!.slice(this.value[number]!) !== labels[index]!.slice(start);
    }
  }
}

const memo = new CidrKeyMemo(4096);

const EQUALS = 0x3d;

/** Labels with equal keys stay in their order, so that the first of them decides. */
function isSortStable(labels: readonly string[]): boolean {
  return labels.length <= STABLE_LENGTH;
}
