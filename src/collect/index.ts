export type { AddressBookOptions } from "./address-book/options.js";
export type { AddressSelection } from "./address-book/selection.js";
export type { AddressBookSnapshot, AddressFact, Interval } from "./address-book/snapshot.js";
export type { BookTime } from "./address-book/time.js";
export type { AddressChange, AddressWatch } from "./address-book/watch.js";
export {
  type AddressBook,
  type AddressBookStats,
  type BookLookupOptions,
  type BookMoments,
  createAddressBook,
} from "./address-book.js";
