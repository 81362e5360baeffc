import type { AddressEntry } from "./address-entry.js";
import type { SelectionTest } from "./selection.js";

/** An address that begins or ceases to be selected. */
export interface AddressChange {
  /** In canonical form. */
  readonly address: string;
  readonly isSelected: boolean;
  /**
   * Since when, in milliseconds since 1970: the time of the flow with the endpoint that holds the address now; undefined if
   * no endpoint does, or the address was forgotten.
   */
  readonly timeMs: number | undefined;
}

/** Follows which addresses a selection contains now. */
export class Watch {
  readonly #test: SelectionTest;
  readonly #onChange: (change: AddressChange) => void;
  readonly #selected = new Set<AddressEntry>();

  constructor(test: SelectionTest, onChange: (change: AddressChange) => void) {
    this.#test = test;
    this.#onChange = onChange;
  }

  /** What is known about an address has changed, or is reported for the first time. */
  update(entry: AddressEntry): void {
    this.#set(entry, this.#test(entry), entry.endpoints.list.at(-1)?.fromMs);
  }

  /** The address is forgotten. */
  remove(entry: AddressEntry): void {
    this.#set(entry, false, undefined);
  }

  /** Nobody watches any more. */
  end(): void {
    for (const entry of this.#selected) entry.watched--;
    this.#selected.clear();
  }

  #set(entry: AddressEntry, isSelected: boolean, timeMs: number | undefined): void {
    if (this.#selected.has(entry) === isSelected) return;
    if (isSelected) {
      this.#selected.add(entry);
      entry.watched++;
    } else {
      this.#selected.delete(entry);
      entry.watched--;
    }
    this.#onChange({ address: entry.address, isSelected, timeMs });
  }
}
