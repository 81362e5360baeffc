import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import {
  aListOf,
  aNumber,
  anInteger,
  aString,
  oneOf,
  required,
  type ValueCheck,
  valueCheck,
} from "../../errors/value-checks.js";
import { AddressEntry, type KnownService } from "./address-entry.js";
import { canonicalAddress } from "./canonical-address.js";
import type { KnownEndpoint } from "./endpoint.js";

/** The form of {@link AddressBookSnapshot}. It changes if older programs would misunderstand newer snapshots. */
const SNAPSHOT_VERSION = 1;

interface Times {
  /** First and last time, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What an address book knows about an address. The times of each list grow. */
export interface AddressHistory {
  readonly address: string;
  readonly endpoints: readonly (KnownEndpoint & Times)[];
  readonly names: readonly ({ readonly name: string } & Times)[];
  readonly services: readonly (KnownService & { readonly port: number } & Times)[];
}

/** The content of an address book, as JSON. */
export interface AddressBookSnapshot {
  readonly version: 1;
  readonly addresses: readonly AddressHistory[];
}

/** What an entry holds. */
export function historyOf(entry: AddressEntry): AddressHistory {
  return {
    address: entry.address,
    endpoints: entry.endpoints.list.map(({ value, fromMs, toMs }) => ({ ...value, fromMs, toMs })),
    names: [...entry.names].map(([name, { fromMs, toMs }]) => ({ name, fromMs, toMs })),
    services: [...entry.services].flatMap(([port, { list }]) =>
      list.map(({ value, fromMs, toMs }) => ({ ...value, port, fromMs, toMs })),
    ),
  };
}

export function snapshotOf(entries: Iterable<AddressEntry>): AddressBookSnapshot {
  return { version: SNAPSHOT_VERSION, addresses: Array.from(entries, historyOf) };
}

const anAddress: ValueCheck<string> = valueCheck(
  "an IP address in its usual spelling",
  (value) => typeof value === "string" && canonicalAddress(value) === value,
);
const TIMES = { fromMs: required(aNumber), toMs: required(aNumber) };
const aWorkload = optionsOf<{ readonly name: string; readonly kind: string }>("workload", {
  name: required(aString),
  kind: required(aString),
});
const ENDPOINT: OptionTable<KnownEndpoint & Times> = {
  identity: required(anInteger(0, 2 ** 32 - 1)),
  ID: required(anInteger(0, 2 ** 32 - 1)),
  clusterName: required(aString),
  namespace: required(aString),
  podName: required(aString),
  labels: required(aListOf(aString)),
  workloads: required(aListOf(aWorkload)),
  interfaceName: required(aString),
  ...TIMES,
};
const NAME: OptionTable<AddressHistory["names"][number]> = { name: required(aString), ...TIMES };
const SERVICE: OptionTable<AddressHistory["services"][number]> = {
  namespace: required(aString),
  name: required(aString),
  port: required(anInteger(0, 0xffff)),
  ...TIMES,
};
const HISTORY: OptionTable<AddressHistory> = {
  address: required(anAddress),
  endpoints: required(aListOf(optionsOf("endpoint", ENDPOINT))),
  names: required(aListOf(optionsOf("name", NAME))),
  services: required(aListOf(optionsOf("service", SERVICE))),
};
/** The check of a snapshot. */
export const aSnapshot: ValueCheck<AddressBookSnapshot> = optionsOf<AddressBookSnapshot>("snapshot", {
  version: required(oneOf(SNAPSHOT_VERSION)),
  addresses: required(aListOf(optionsOf("address", HISTORY))),
});

/** The entries of a snapshot. */
export function entriesOf({ addresses }: AddressBookSnapshot): AddressEntry[] {
  return addresses.map(toEntry);
}

function toEntry({ address, endpoints, names, services }: AddressHistory): AddressEntry {
  const entry = new AddressEntry(address);
  const see = (toMs: number) => {
    entry.seenMs = Math.max(entry.seenMs, toMs);
  };
  for (const { fromMs, toMs, ...value } of endpoints) {
    entry.endpoints.push({ value, fromMs, toMs });
    see(toMs);
  }
  for (const { name, fromMs, toMs } of names) {
    entry.addName(name, fromMs, toMs);
    see(fromMs);
  }
  for (const { port, namespace, name, fromMs, toMs } of services) {
    entry.servicesAt(port)?.push({ value: { namespace, name }, fromMs, toMs });
    see(toMs);
  }
  return entry;
}
