import type { AddressEntry } from "./address-entry.js";
import type { SelectionTest } from "./selection.js";

/** An address that begins or ceases to be selected. */
export interface AddressChange {
  /** In canonical form. */
  readonly address: string;
  readonly isSelected: boolean;
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
    this.#set(entry, this.#test(entry));
  }

  /** The address is forgotten. */
  remove(entry: AddressEntry): void {
    this.#set(entry, false);
  }

  /** Nobody watches any more. */
  end(): void {
    for (const entry of this.#selected) entry.watched--;
    this.#selected.clear();
  }

  #set(entry: AddressEntry, isSelected: boolean): void {
    if (this.#selected.has(entry) === isSelected) return;
    if (isSelected) {
      this.#selected.add(entry);
      entry.watched++;
    } else {
      this.#selected.delete(entry);
      entry.watched--;
    }
    this.#onChange({ address: entry.address, isSelected });
  }
}
