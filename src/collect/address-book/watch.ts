import type { AddressMatcher, KnownAddress } from "./selection.js";
import type { Subject } from "./span.js";

/** An address that has entered or left a selection. */
export interface AddressChange {
  readonly type: "added" | "removed";
  /** In canonical form, as `formatAddress` writes it. */
  readonly address: string;
}

/** A subscription to the addresses of a selection. */
export interface AddressWatch {
  /** The addresses that are selected now; a live view. */
  readonly addresses: ReadonlySet<string>;
  /** Ends the subscription; `onChange` is not called again. */
  stop(): void;
  [Symbol.dispose](): void;
}

interface Watcher {
  readonly matches: AddressMatcher;
  readonly onChange: (change: AddressChange) => void;
  readonly members: Set<string>;
}

/** Evaluates the members of selections again at most once in this time of the flows, for names that expire. */
const SWEEP_MS = 1_000;

/** The subscriptions of one book. */
export class Watches {
  readonly #known: (subject: Subject | undefined) => KnownAddress | undefined;
  readonly #subject: (address: string) => Subject | undefined;
  readonly #watchers = new Set<Watcher>();
  /** Addresses whose content may have changed since the subscribers were notified. */
  readonly #changed = new Set<string>();
  #isNotifying = false;
  #sweepAt = Number.NEGATIVE_INFINITY;

  /**
   * @param known Returns what is known of an address at the latest time; undefined if nothing is.
   * @param subject Returns the entry of an address.
   */
  constructor(
    known: (subject: Subject | undefined) => KnownAddress | undefined,
    subject: (address: string) => Subject | undefined,
  ) {
    this.#known = known;
    this.#subject = subject;
  }

  get size(): number {
    return this.#watchers.size;
  }

  add(
    matches: AddressMatcher,
    subjects: Iterable<Subject>,
    onChange: (change: AddressChange) => void,
  ): AddressWatch {
    const watcher: Watcher = { matches, onChange, members: new Set() };
    this.#watchers.add(watcher);
    // A copy, because a subscriber may learn.
    for (const subject of [...subjects]) {
      if (this.#watchers.has(watcher)) this.#update(watcher, subject.address);
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
    if (latest >= this.#sweepAt) this.#sweep(latest);
    if (this.#changed.size === 0) return;
    this.#isNotifying = true;
    try {
      for (const address of this.#changed) {
        for (const watcher of this.#watchers) this.#update(watcher, address);
        this.#changed.delete(address);
      }
    } finally {
      this.#isNotifying = false;
    }
  }

  /** Marks all members, whose names may have expired. */
  #sweep(latest: number): void {
    this.#sweepAt = latest + SWEEP_MS;
    for (const { members } of this.#watchers) for (const address of members) this.#changed.add(address);
  }

  #update({ matches, members, onChange }: Watcher, address: string): void {
    const known = this.#known(this.#subject(address));
    const isSelected = known !== undefined && matches(known);
    if (isSelected === members.has(address)) return;
    if (isSelected) members.add(address);
    else members.delete(address);
    onChange({ type: isSelected ? "added" : "removed", address });
  }
}
