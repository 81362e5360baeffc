import { fieldsOf, type OptionTable, optionsOf } from "../../errors/check-options.js";
import { type Issue, OptionsError } from "../../errors/errors.js";
import { issueOf } from "../../errors/issue.js";
import {
  aListOf,
  anInteger,
  aString,
  checkedElsewhere,
  isObject,
  type ReportIssue,
  required,
  type ValueCheck,
  valueCheck,
} from "../../errors/value-checks.js";
import type { Endpoint } from "../../gen/flow/flow_pb.js";
import { parseAddress } from "../../net/index.js";
import type { Span } from "./span.js";
import { isTime } from "./time.js";

/** The times of the first and the last observation of a fact, in milliseconds since 1970, with fractions. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** One interval of an address book, in the form of its snapshot. */
export type AddressFact =
  | ({
      readonly kind: "endpoint";
      readonly address: string;
      readonly ID: number;
      readonly identity: number;
      readonly clusterName: string;
      readonly namespace: string;
      readonly podName: string;
      readonly labels: readonly string[];
      readonly workloads: readonly { readonly name: string; readonly kind: string }[];
    } & Interval)
  | ({
      readonly kind: "name";
      readonly address: string;
      readonly name: string;
      /** When the name expires, in milliseconds since 1970. */
      readonly until: number;
    } & Interval)
  | ({
      readonly kind: "service";
      readonly address: string;
      readonly port: number;
      readonly namespace: string;
      readonly name: string;
    } & Interval)
  | ({
      readonly kind: "interface";
      readonly node: string;
      readonly index: number;
      readonly name: string;
    } & Interval);

/** The content of a book as JSON. Later versions of this package read all versions up to their own. */
export interface AddressBookSnapshot {
  readonly version: 1;
  /** The latest time that was learned, in milliseconds since 1970; null if there is none. */
  readonly latest: number | null;
  /** All intervals, from the least to the most recently learned. */
  readonly entries: readonly AddressFact[];
}

/** Returns an interval in the form of a snapshot. */
export function toAddressFact({ fact, subject, from, to, until }: Span): AddressFact {
  const address = subject?.address ?? "";
  switch (fact.kind) {
    case "endpoint": {
      const { ID, identity, clusterName, namespace, podName, labels, workloads } = fact.endpoint;
      return {
        kind: "endpoint",
        address,
        from,
        to,
        ID,
        identity,
        clusterName,
        namespace,
        podName,
        labels: [...labels],
        workloads: workloads.map(({ name, kind }) => ({ name, kind })),
      };
    }
    case "name":
      return { kind: "name", address, from, to, until, name: fact.name };
    case "service": {
      const { namespace, name } = fact.service;
      return { kind: "service", address, from, to, port: fact.port, namespace, name };
    }
    case "interface":
      return {
        kind: "interface",
        node: fact.node,
        from,
        to,
        index: fact.link.index,
        name: fact.link.name,
      };
  }
}

/** Returns the endpoint of an entry as a message. */
export function toEndpoint(entry: EntryOf<"endpoint">): Endpoint {
  const { ID, identity, clusterName, namespace, podName, labels, workloads } = entry;
  return {
    $typeName: "flow.Endpoint",
    ID,
    identity,
    clusterName,
    namespace,
    labels: [...labels],
    podName,
    workloads: workloads.map(({ name, kind }) => ({ $typeName: "flow.Workload", name, kind })),
  };
}

/** Issues after which the rest of a snapshot is not checked. */
const MAX_ISSUES = 100;

/**
 * Checks a snapshot, such as parsed JSON.
 *
 * @param path The path of the snapshot, for issues.
 * @throws OptionsError with the first 100 issues, such as `snapshot.entries[3].address: must be an IP address`.
 */
export function checkSnapshot(path: string, value: unknown): asserts value is AddressBookSnapshot {
  const issues: Issue[] = [];
  const report: ReportIssue = (at, message) => {
    issues.push(issueOf(at, message));
  };
  checkHead(value, path, report);
  const entries = issues.length === 0 ? (value as AddressBookSnapshot).entries : [];
  for (let index = 0; index < entries.length && issues.length < MAX_ISSUES; index++) {
    checkEntry(entries[index], `${path}.entries[${index}]`, report);
  }
  if (issues.length > 0) throw new OptionsError(issues);
}

const aTime: ValueCheck<number> = valueCheck("milliseconds of the years 1 to 9999", isTime);

const anIpAddress: ValueCheck<string> = valueCheck(
  "an IP address",
  (value) => typeof value === "string" && parseAddress(value) !== undefined,
);

const aUint32 = anInteger(0, 0xffff_ffff);
const aPort = anInteger(0, 0xffff);

const checkHead = optionsOf<AddressBookSnapshot>("a snapshot of an address book", {
  version: required(valueCheck<1>("1, the version that this package reads", (value) => value === 1)),
  latest: required(
    valueCheck<number | null>(
      "null or milliseconds of the years 1 to 9999",
      (value) => value === null || isTime(value),
    ),
  ),
  entries: required(valueCheck<readonly AddressFact[]>("a list", Array.isArray)),
});

type Kind = AddressFact["kind"];
type EntryOf<K extends Kind> = Extract<AddressFact, { readonly kind: K }>;

const TIMES = { kind: required(checkedElsewhere), from: required(aTime), to: required(aTime) };

/** The fields of each kind of entry. */
const ENTRIES: { readonly [K in Kind]: OptionTable<EntryOf<K>> } = {
  endpoint: {
    ...TIMES,
    address: required(anIpAddress),
    ID: required(aUint32),
    identity: required(aUint32),
    clusterName: required(aString),
    namespace: required(aString),
    podName: required(aString),
    labels: required(aListOf(aString)),
    workloads: required(
      aListOf(
        fieldsOf<{ readonly name: string; readonly kind: string }>({
          name: required(aString),
          kind: required(aString),
        }),
      ),
    ),
  },
  name: { ...TIMES, address: required(anIpAddress), name: required(aString), until: required(aTime) },
  service: {
    ...TIMES,
    address: required(anIpAddress),
    port: required(aPort),
    namespace: required(aString),
    name: required(aString),
  },
  interface: { ...TIMES, node: required(aString), index: required(aUint32), name: required(aString) },
};

const aKind = valueCheck<Kind>(`one of ${Object.keys(ENTRIES).join(", ")}`, (value) =>
  Object.hasOwn(ENTRIES, String(value)),
);

const CHECKS = Object.fromEntries(
  Object.entries(ENTRIES).map(([kind, table]) => [
    kind,
    // The table of a kind is that of the entries for which it is selected below.
    optionsOf(`an entry of kind ${kind}`, table as OptionTable<object>),
  ]),
) as Readonly<Record<Kind, ValueCheck<object>>>;

function checkEntry(entry: unknown, path: string, report: ReportIssue): void {
  if (!isObject(entry)) {
    fieldsOf<object>({})(entry, path, report);
    return;
  }
  const { kind, from, to } = entry as Partial<AddressFact>;
  if (kind === undefined || !Object.hasOwn(ENTRIES, kind)) {
    aKind(kind, `${path}.kind`, report);
    return;
  }
  CHECKS[kind](entry, path, report);
  if (isTime(from) && isTime(to) && to < from) report(`${path}.to`, `must not be before from, ${from}`);
}
