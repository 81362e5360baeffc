export {
  type AddressBook,
  type AddressBookOptions,
  type AddressBookStats,
  createAddressBook,
  DEFAULT_MAX_ENTRIES,
} from "./address-book/address-book.js";
export type { KnownService } from "./address-book/address-entry.js";
export type { KnownEndpoint, KnownWorkload } from "./address-book/endpoint.js";
export type { AddressSelection } from "./address-book/selection.js";
export type { AddressBookSnapshot, AddressHistory } from "./address-book/snapshot.js";
export type { AddressChange } from "./address-book/watch.js";
export { type SelectByNameOptions, selectByName } from "./select-by-name.js";
