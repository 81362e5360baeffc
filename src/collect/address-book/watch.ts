import type { AddressMatcher, KnownAddress } from "./selection.js";
import type { Subject } from "./span.js";

// Declares global types for programs without them.
export type {} from "../../async/global-types.js";

/** An address that has entered or left a selection. */
export interface AddressChange {
  readonly type: "added" | "removed";
  /** In canonical form, as `formatAddress` writes it. */
  readonly address: string;
  /** The latest time that the book had learned, in milliseconds since 1970; -Infinity if it had learned none. */
  readonly atMs: number;
}

/** A subscription to the addresses of a selection. */
export interface AddressWatch {
  /** The addresses that are selected now; a live view. */
  readonly addresses: ReadonlySet<string>;
  /** Ends the subscription; `onChange` is not called again. */
  stop(): void;
  /** The same as {@link stop}. */
  [Symbol.dispose](): void;
}

/** A selection to watch. */
interface WatchRequest {
  readonly matches: AddressMatcher;
  /** Whether the selection reads names, which expire. */
  readonly expires: boolean;
  readonly onChange: (change: AddressChange) => void;
}

interface Watcher extends WatchRequest {
  readonly members: Set<string>;
}

/** Names that expire are looked for at most once in this time of the flows, in milliseconds. */
const SWEEP_MS = 1_000;

/** The subscriptions of one book. */
export class Watches {
  readonly #known: (subject: Subject | undefined) => KnownAddress | undefined;
  readonly #subject: (address: string) => Subject | undefined;
  readonly #latest: () => number;
  readonly #watchers = new Set<Watcher>();
  /** Addresses whose content may have changed since the subscribers were notified. */
  readonly #changed = new Set<string>();
  #isNotifying = false;
  #sweptAt = Number.NEGATIVE_INFINITY;
  /** The first time at which a name of a member may expire. */
  #expiresAt = Number.POSITIVE_INFINITY;

  /**
   * @param known Returns what is known of an address at the latest time; undefined if nothing is.
   * @param subject Returns the entry of an address.
   * @param latest Returns the latest time that was learned.
   */
  constructor(
    known: (subject: Subject | undefined) => KnownAddress | undefined,
    subject: (address: string) => Subject | undefined,
    latest: () => number,
  ) {
    this.#known = known;
    this.#subject = subject;
    this.#latest = latest;
  }

  add(request: WatchRequest, subjects: Iterable<Subject>): AddressWatch {
    const watcher: Watcher = { ...request, members: new Set() };
    this.#watchers.add(watcher);
    // A copy, because a subscriber may learn.
    try {
      for (const subject of [...subjects]) {
        if (this.#watchers.has(watcher)) this.#update(watcher, subject.address);
      }
    } catch (error) {
      this.#watchers.delete(watcher);
      throw error;
    }
    const stop = () => void this.#watchers.delete(watcher);
    return { addresses: watcher.members, stop, [Symbol.dispose]: stop };
  }

  /** Marks an address as changed; subscribers are notified by {@link notify}. */
  mark(subject: Subject): void {
    if (this.#watchers.size > 0) this.#changed.add(subject.address);
  }

  /**
   * Notifies the subscribers of all changes. A subscriber that learns adds changes, which the running call handles. An
   * exception of a subscriber is thrown; the changes that are left are handled by the next call.
   */
  notify(latest: number): void {
    if (this.#isNotifying || this.#watchers.size === 0) return;
    if (latest >= this.#expiresAt && latest >= this.#sweptAt + SWEEP_MS) this.#sweep(latest);
    if (this.#changed.size === 0) return;
    this.#isNotifying = true;
    try {
      // The iteration also visits the addresses that subscribers change.
      for (const address of this.#changed) this.#updateAll(address);
    } finally {
      this.#isNotifying = false;
    }
  }

  /** Marks the members whose names may have expired. */
  #sweep(latest: number): void {
    this.#sweptAt = latest;
    this.#expiresAt = Number.POSITIVE_INFINITY;
    for (const { expires, members } of this.#watchers) {
      if (expires) for (const address of members) this.#changed.add(address);
    }
  }

  #updateAll(address: string): void {
    // Before the calls, which may change the address again.
    this.#changed.delete(address);
    try {
      for (const watcher of this.#watchers) this.#update(watcher, address);
    } catch (error) {
      this.#changed.add(address);
      throw error;
    }
  }

  #update({ matches, expires, members, onChange }: Watcher, address: string): void {
    const known = this.#known(this.#subject(address));
    const isSelected = known !== undefined && matches(known);
    if (isSelected && expires && known.namesUntil < this.#expiresAt) this.#expiresAt = known.namesUntil;
    if (isSelected === members.has(address)) return;
    if (isSelected) members.add(address);
    else members.delete(address);
    onChange({ type: isSelected ? "added" : "removed", address, atMs: this.#latest() });
  }
}
