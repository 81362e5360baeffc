import type { PacketScope } from "./scope.js";

/** The packets that one trigger selects. Times are in microseconds since 1970, inclusive. */
export interface FlightWindow {
  readonly fromUs: number;
  readonly toUs: number;
  readonly scope: PacketScope;
}

/** The windows of all triggers of one capture. */
export class FlightWindows {
  /** The windows of each scope, sorted by their beginning and without overlaps. */
  readonly #byScope = new Map<string, { readonly scope: PacketScope; spans: Span[] }>();
  #toUs = Number.NEGATIVE_INFINITY;

  /** The end of the last window. */
  get toUs(): number {
    return this.#toUs;
  }

  /** The number of different scopes. */
  get scopes(): number {
    return this.#byScope.size;
  }

  hasScope({ key }: PacketScope): boolean {
    return this.#byScope.has(key);
  }

  /** Whether the window begins before the end of another, or at it. */
  overlaps({ fromUs }: FlightWindow): boolean {
    return fromUs <= this.#toUs;
  }

  /** Adds a window. Returns whether it contains a time up to `searchedUs` that no window of its scope contained yet. */
  add({ fromUs, toUs, scope }: FlightWindow, searchedUs: number): boolean {
    this.#toUs = Math.max(this.#toUs, toUs);
    const entry = this.#byScope.get(scope.key);
    if (entry === undefined) {
      this.#byScope.set(scope.key, { scope, spans: [{ fromUs, toUs }] });
      return fromUs <= searchedUs;
    }
    const covering = entry.spans.find((span) => span.fromUs <= fromUs && fromUs <= span.toUs);
    const reachesBack =
      covering === undefined ? fromUs <= searchedUs : covering.toUs < Math.min(toUs, searchedUs);
    entry.spans = merge([...entry.spans, { fromUs, toUs }]);
    return reachesBack;
  }

  /** Removes windows that end before this time. */
  removeBefore(oldestUs: number): void {
    for (const [key, entry] of this.#byScope) {
      entry.spans = entry.spans.filter(({ toUs }) => toUs >= oldestUs);
      if (entry.spans.length === 0) this.#byScope.delete(key);
    }
  }

  /** Whether a window contains the packet. */
  contain(timeUs: number, bytes: Uint8Array, start: number, end: number, linkType: number): boolean {
    for (const { scope, spans } of this.#byScope.values()) {
      if (
        spans.some(({ fromUs, toUs }) => timeUs >= fromUs && timeUs <= toUs) &&
        (scope.contains === undefined || scope.contains(bytes, start, end, linkType))
      ) {
        return true;
      }
    }
    return false;
  }
}

interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((one, other) => one.fromUs - other.fromUs)) {
    const last = merged.at(-1);
    if (last === undefined || span.fromUs > last.toUs) merged.push(span);
    else merged[merged.length - 1] = { fromUs: last.fromUs, toUs: Math.max(last.toUs, span.toUs) };
  }
  return merged;
}
