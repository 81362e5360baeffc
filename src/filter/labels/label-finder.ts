import { compareText } from "../../go/compare.js";
import { goSort, STABLE_LENGTH } from "../../go/sort.js";
import type { NetipPrefix } from "../../net/index.js";
import { CidrIndex, type NumberedCidr } from "./cidr-index.js";
import { CIDR_START, CidrKeyMemo, cidrKeyName, parseCidrKey } from "./cidr-label.js";
import { isReserved, keyStart, ODD } from "./key-start.js";
import { ANY_SOURCE, CIDR_SOURCE, type Label, parseLabel, RESERVED_SOURCE } from "./label.js";

/** Above this number, keys are looked up in a map instead of one by one. */
export const LISTED_LOOKUPS = 8;

/** A key that one or more requirements refer to and that is not a prefix. */
interface Lookup {
  readonly number: number;
  /** The text of a matching label from the start of its key, or from its first character if `whole`. */
  readonly text: string;
  readonly first: number;
  /** Only labels that begin with `source:key` match, so the end of the source need not be found. */
  readonly whole: boolean;
  readonly reserved: boolean;
}

/**
 * Finds the labels of an event that requirements refer to. The result is the same as that of cilium's `LabelArray.Get`
 * on the sorted array: the first label with the key. Usually nothing is parsed, sorted or allocated. Each label is
 * visited at most twice, and only lookups that have a label are touched, regardless of their number.
 */
export class LabelFinder {
  /** For each lookup, the index of its label in the last `find`, or -1. */
  label: Int32Array = new Int32Array(0);
  /** For each lookup, the index at which the value of its label begins; the end of the label if the value is empty. */
  value: Int32Array = new Int32Array(0);
  /** The lookups that have a label, in the first `foundCount` elements, unordered. */
  found: Int32Array = new Int32Array(0);
  foundCount = 0;

  /** The number of lookups. */
  #count = 0;
  /** Lookup numbers by `source:key`, or by {@link cidrKeyName} for prefixes. */
  readonly #known = new Map<string, number>();
  readonly #lookups: Lookup[] = [];
  /** Numbers of the lookups with a source, by `source:key`. */
  readonly #named = new Map<string, number>();
  /** Numbers of the lookups without a source, by key. */
  readonly #unnamed = new Map<string, number>();
  /** Whether any lookup needs the start of the label's key. */
  #needsStart = false;
  readonly #prefixes: NumberedCidr[] = [];
  /** The index over all prefixes; rebuilt after a prefix is added. */
  #index: CidrIndex | undefined;
  /** Whether several labels with different values match one lookup, so that the result depends on Go's sort order. */
  #ambiguous = false;

  /**
   * Returns the number of the lookup for a key of a selector, adding it if necessary.
   *
   * @param hasNoLabel Whether the lookup finds no label; the same for all calls with the same key.
   */
  add(source: string, key: string, hasNoLabel = false): number {
    const cidr = source === CIDR_SOURCE ? parseCidrKey(key) : undefined;
    const name = cidr === undefined ? `${source}:${key}` : cidrKeyName(cidr);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const number = this.#count++;
    this.#known.set(name, number);
    if (cidr !== undefined) this.#addPrefix(number, cidr);
    else if (!hasNoLabel) this.#addKey(number, source, key);
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
   * Works as cilium does: parses all labels, sorts them, and uses the first with the key. Unlike `find`, it always
   * finds exactly that label, not just a label with the same value.
   */
  findSorted(labels: readonly string[]): void {
    this.#reset();
    // The first match is final, so later matches need no comparison.
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

  #addPrefix(number: number, cidr: NetipPrefix): void {
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

  /** For few lookups: compares each label with each key, starting with the comparison that rejects most labels. */
  #findListed(labels: readonly string[]): void {
    const lookups = this.#lookups;
    if (lookups.length === 0) return;
    for (let index = 0; index < labels.length; index++) {
      const label = labels[index]!;
      // No requirement has an empty key.
      if (label.length === 0) continue;
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

  /** For many lookups: extracts the key of each label and looks it up. */
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

  /** Records a label that matches a lookup. */
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

/** Whether Go's sort keeps labels with equal keys in their original order, so that the first one wins. */
function isSortStable(labels: readonly string[]): boolean {
  return labels.length <= STABLE_LENGTH;
}
