/*
 * Go's `sort.Slice`, a pattern-defeating quicksort (https://arxiv.org/abs/2106.05123), as in Go 1.19 to 1.23. It is not
 * stable, so the order of equal elements depends on every step of the algorithm; see Go's src/sort/zsortfunc.go.
 */

/** Up to this length, Go uses insertion sort, which is stable. */
export const STABLE_LENGTH = 12;

/** From this length on, the pivot is chosen more carefully and nearly sorted ranges may be repaired in place. */
const LONG = 50;
const REPAIRS = 5;
/** The maximum number of swaps of four medians of three; reaching it suggests that the range is in reverse order. */
const MOST_EXCHANGES = 12;

/** Sorts in place with Go's result, including the order of equal elements. */
export function goSort<T>(items: T[], compare: (left: T, right: T) => number): void {
  new GoSort(items, compare).sort();
}

class GoSort<T> {
  readonly #items: T[];
  readonly #compare: (left: T, right: T) => number;
  /** The number of swaps while choosing the last pivot. */
  #exchanges = 0;

  constructor(items: T[], compare: (left: T, right: T) => number) {
    this.#items = items;
    this.#compare = compare;
  }

  sort(): void {
    this.#quicksort(0, this.#items.length, bitLength(this.#items.length));
  }

  /** `limit` is the number of unbalanced partitions that are tolerated before switching to heapsort. */
  #quicksort(start: number, end: number, limit: number): void {
    let balanced = true;
    let partitioned = true;
    while (true) {
      const length = end - start;
      if (length <= STABLE_LENGTH) {
        this.#insertionSort(start, end);
        return;
      }
      if (limit === 0) {
        this.#heapSort(start, end);
        return;
      }
      if (!balanced) {
        this.#breakPatterns(start, end);
        limit--;
      }
      let pivot = this.#choosePivot(start, end);
      const decreasing = this.#exchanges === MOST_EXCHANGES;
      if (decreasing) {
        this.#reverse(start, end);
        pivot = end - 1 - (pivot - start);
      }
      const increasing = decreasing || this.#exchanges === 0;
      if (balanced && partitioned && increasing && this.#repair(start, end)) return;

      // The element before the range is not greater than any element in it. If it equals the pivot, the pivot is the
      // minimum.
      if (start > 0 && !this.#less(start - 1, pivot)) {
        start = this.#splitEqual(start, end, pivot);
        continue;
      }
      const split = this.#split(start, end, pivot);
      partitioned = split.partitioned;
      const middle = split.middle;
      const threshold = Math.floor(length / 8);
      if (middle - start < end - middle) {
        balanced = middle - start >= threshold;
        this.#quicksort(start, middle, limit);
        start = middle + 1;
      } else {
        balanced = end - middle >= threshold;
        this.#quicksort(middle + 1, end, limit);
        end = middle;
      }
    }
  }

  #insertionSort(start: number, end: number): void {
    for (let index = start + 1; index < end; index++) this.#sink(index, start);
  }

  /** Moves an element down to its position, not below `lowest`. */
  #sink(index: number, lowest: number): void {
    for (let place = index; place > lowest && this.#less(place, place - 1); place--)
      this.#swap(place, place - 1);
  }

  #heapSort(start: number, end: number): void {
    const length = end - start;
    for (let root = Math.floor((length - 1) / 2); root >= 0; root--) this.#siftDown(start, root, length);
    for (let last = length - 1; last >= 0; last--) {
      this.#swap(start, start + last);
      this.#siftDown(start, 0, last);
    }
  }

  #siftDown(start: number, from: number, length: number): void {
    let root = from;
    while (true) {
      let child = 2 * root + 1;
      if (child >= length) return;
      if (child + 1 < length && this.#less(start + child, start + child + 1)) child++;
      if (!this.#less(start + root, start + child)) return;
      this.#swap(start + root, start + child);
      root = child;
    }
  }

  /** Partitions the range into elements below the pivot, the pivot, and the rest. */
  #split(start: number, end: number, pivot: number): { middle: number; partitioned: boolean } {
    this.#swap(start, pivot);
    let low = start + 1;
    let high = end - 1;
    let partitioned = true;
    while (true) {
      while (low <= high && this.#less(low, start)) low++;
      while (low <= high && !this.#less(high, start)) high--;
      if (low > high) break;
      this.#swap(low++, high--);
      partitioned = false;
    }
    this.#swap(high, start);
    return { middle: high, partitioned };
  }

  /**
   * Partitions a range without elements below the pivot into elements equal to it and the rest; returns the start of
   * the rest.
   */
  #splitEqual(start: number, end: number, pivot: number): number {
    this.#swap(start, pivot);
    let low = start + 1;
    let high = end - 1;
    while (true) {
      while (low <= high && !this.#less(start, low)) low++;
      while (low <= high && this.#less(start, high)) high--;
      if (low > high) return low;
      this.#swap(low++, high--);
    }
  }

  /** Tries to sort a nearly sorted range with a few moves; returns false if more are needed. */
  #repair(start: number, end: number): boolean {
    let index = start + 1;
    for (let repairs = 0; repairs < REPAIRS; repairs++) {
      while (index < end && !this.#less(index, index - 1)) index++;
      if (index === end) return true;
      if (end - start < LONG) return false;
      this.#swap(index, index - 1);
      // As upstream, down to the start of the array, not of the range.
      if (index - start >= 2) this.#sink(index - 1, 0);
      if (end - index >= 2) {
        for (let place = index + 1; place < end && this.#less(place, place - 1); place++)
          this.#swap(place, place - 1);
      }
    }
    return false;
  }

  /** Swaps three elements around the middle with pseudo-random others, the same in every run. */
  #breakPatterns(start: number, end: number): void {
    const length = end - start;
    const random = xorshift(BigInt(length));
    const mask = 2 ** bitLength(length) - 1;
    const middle = start + Math.floor(length / 4) * 2;
    for (let index = middle - 1; index <= middle + 1; index++) {
      let other = Number(random() & BigInt(mask));
      if (other >= length) other -= length;
      this.#swap(index, start + other);
    }
  }

  #choosePivot(start: number, end: number): number {
    const quarter = Math.floor((end - start) / 4);
    let low = start + quarter;
    let middle = start + 2 * quarter;
    let high = start + 3 * quarter;
    this.#exchanges = 0;
    if (end - start >= LONG) {
      low = this.#median(low - 1, low, low + 1);
      middle = this.#median(middle - 1, middle, middle + 1);
      high = this.#median(high - 1, high, high + 1);
    }
    return this.#median(low, middle, high);
  }

  #median(first: number, second: number, third: number): number {
    let [low, middle, high] = [first, second, third];
    if (this.#less(middle, low)) {
      this.#exchanges++;
      [low, middle] = [middle, low];
    }
    if (this.#less(high, middle)) {
      this.#exchanges++;
      [middle, high] = [high, middle];
    }
    if (this.#less(middle, low)) {
      this.#exchanges++;
      [low, middle] = [middle, low];
    }
    return middle;
  }

  #reverse(start: number, end: number): void {
    for (let low = start, high = end - 1; low < high; low++, high--) this.#swap(low, high);
  }

  #less(left: number, right: number): boolean {
    return this.#compare(this.#items[left]!, this.#items[right]!) < 0;
  }

  #swap(left: number, right: number): void {
    const item = this.#items[left]!;
    this.#items[left] = this.#items[right]!;
    this.#items[right] = item;
  }
}

function bitLength(length: number): number {
  return 32 - Math.clz32(length);
}

/** A 64-bit xorshift generator with the shifts of the 32-bit one, as in Go up to 1.23. */
function xorshift(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    state ^= BigInt.asUintN(64, state << 13n);
    state ^= state >> 17n;
    state ^= BigInt.asUintN(64, state << 5n);
    return state;
  };
}
