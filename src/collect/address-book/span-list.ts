import type { Fact, Span, Subject } from "./span.js";

/** Maximum number of intervals of one kind at one address, so that no address makes learning slow. */
export const MAX_SPANS_PER_ADDRESS = 256;

/** Estimated memory of an interval, without its strings. */
const SPAN_BYTES = 400;

/** All spans of a book in the order of learning, within bounds on their number and memory. */
export class SpanList {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #onEvict: (span: Span) => void;
  #oldest: Span | undefined;
  #newest: Span | undefined;
  size = 0;
  bytes = 0;
  evicted = 0;

  /** @param onEvict Called after a span was removed from its list. */
  constructor(maxEntries: number, maxBytes: number, onEvict: (span: Span) => void) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
    this.#onEvict = onEvict;
  }

  /** Adds a fact to one of the lists of its address, and evicts others if the bounds are exceeded. */
  add<F extends Fact>(
    spans: Span<F>[],
    fact: F,
    subject: Subject | undefined,
    from: number,
    textLength: number,
  ): Span<F> {
    if (spans.length >= MAX_SPANS_PER_ADDRESS) this.#evict(this.#leastRecent(spans));
    const bytes = SPAN_BYTES + 2 * textLength;
    const span: Span<F> = {
      fact,
      // The list only gets spans of this kind, here.
      spans: spans as unknown as Span[],
      subject,
      from,
      to: from,
      until: from,
      bytes,
      older: undefined,
      newer: undefined,
    };
    spans.push(span);
    this.#link(span);
    this.size++;
    this.bytes += bytes;
    // The new span is never evicted: a bound smaller than one span keeps that one.
    while (this.size > 1 && (this.size > this.#maxEntries || this.bytes > this.#maxBytes)) {
      this.#evict(this.#oldest!);
    }
    return span;
  }

  /** Makes a span the most recently learned one. */
  touch(span: Span): void {
    if (span === this.#newest) return;
    this.#unlink(span);
    this.#link(span);
  }

  /** Accounts for text that was added to a span. */
  grow(span: Span, textLength: number): void {
    // Not the one that is evicted first.
    this.touch(span);
    span.bytes += 2 * textLength;
    this.bytes += 2 * textLength;
    while (this.size > 1 && this.bytes > this.#maxBytes && this.#oldest !== span) this.#evict(this.#oldest!);
  }

  /** From the least to the most recently learned. */
  *[Symbol.iterator](): Generator<Span, void, undefined> {
    for (let span = this.#oldest; span !== undefined; span = span.newer) yield span;
  }

  #leastRecent(spans: readonly Span[]): Span {
    // Full lists are rare, so their spans need no order of their own: the earliest last observation goes.
    return spans.reduce((oldest, span) => (span.to < oldest.to ? span : oldest));
  }

  #evict(span: Span): void {
    this.#unlink(span);
    span.spans.splice(span.spans.indexOf(span), 1);
    this.size--;
    this.bytes -= span.bytes;
    this.evicted++;
    this.#onEvict(span);
  }

  #link(span: Span): void {
    span.older = this.#newest;
    span.newer = undefined;
    if (this.#newest === undefined) this.#oldest = span;
    else this.#newest.newer = span;
    this.#newest = span;
  }

  #unlink(span: Span): void {
    if (span.older === undefined) this.#oldest = span.newer;
    else span.older.newer = span.newer;
    if (span.newer === undefined) this.#newest = span.older;
    else span.newer.older = span.older;
  }
}
