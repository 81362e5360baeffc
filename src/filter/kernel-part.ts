import type { TCPFlags } from "../gen/flow/flow_pb.js";
import { goToLower } from "../go/strings.js";
import { formatPrefix, parsePrefix } from "../net/index.js";
import type { WiderFilter } from "../packet/filter/wider-text.js";
import { ENCAPSULATED_PROTOCOLS } from "../packet/flow/locate/flow-layers.js";
import type { LocateOptions } from "../packet/flow/locate/locator.js";
import { DEFAULT_TUNNEL_PORTS } from "../packet/flow/locate/tunnel.js";
import { IPPROTO_TCP, IPPROTO_UDP } from "../packet/headers/transport.js";
import { type CompiledFilter, compileLists, type FlowFilterLists } from "./compile.js";
import type { FilterField } from "./field.js";
import { flagBits, L4_NAMES, L4_NUMBERS } from "./fields/l4.js";
import type { FlowFilterOptions } from "./filter-options.js";
import { parsePort } from "./port.js";

/** The part of FlowFilters that a kernel program can test, and what is left. */
export interface KernelPart {
  /**
   * A packet whose flow passes the lists matches one of these, or is a packet whose headers the kernel cannot follow.
   * Undefined if the kernel cannot exclude any packet.
   */
  readonly filters: readonly WiderFilter[] | undefined;
  /** One line for each filter of the lists: what the kernel tests, and what is tested afterwards, and why. */
  readonly notes: readonly string[];
}

/** More combinations of the values of one filter are not listed: the field with most values is not tested. */
const MAX_COMBINATIONS = 64;
/** Maximum number of combinations of all filters. */
const MAX_FILTERS = 4096;
/** Maximum number of combinations of all filters with TCP flags: the eBPF program compares them one after the other. */
export const MAX_FLAG_FILTERS = 256;

const ANY = { 4: "0.0.0.0/0", 6: "::/0" } as const;
/** Contains all IPv4-mapped addresses, which flows print as IPv4 addresses, and a range that is not assigned. */
const MAPPED = "::fffe:0:0/95";
const FAMILIES = [4, 6] as const;

/** The fields that the kernel tests. All others are tested on the flow. */
const KERNEL_FIELDS: ReadonlySet<FilterField> = new Set([
  "sourceIp",
  "destinationIp",
  "sourcePort",
  "destinationPort",
  "protocol",
  "tcpFlags",
  "ipVersion",
]);

/**
 * Derives recorder filters from allow lists that are never narrower than the lists: for the kernel, before the exact
 * test. The lists must be valid, see `compileFlowFilters`.
 */
export function kernelPart(
  lists: FlowFilterLists,
  options: FlowFilterOptions,
  tunnels: LocateOptions["tunnels"],
): KernelPart {
  const { allow, deny } = compileLists(lists, options);
  const outer = encapsulated(tunnels);
  const parts = expandAll(allow, MAX_FLAG_FILTERS - outer.length);
  const every = parts.findIndex(({ combinations }) => combinations === undefined);
  const notes = [
    ...parts.map(({ combinations, note }, index) => {
      const isWidened = every >= 0 && combinations !== undefined;
      return `allow[${index}]: ${isWidened ? `the kernel selects every packet, for allow[${every}]` : note}`;
    }),
    ...deny.map((_, index) => `deny[${index}]: tested after the kernel, which only selects packets of allow`),
  ];
  const filters = [...outer];
  for (const { combinations } of parts) {
    if (combinations === undefined) return { filters: undefined, notes };
    filters.push(...combinations);
  }
  if (allow.length === 0) return { filters: undefined, notes };
  if (filters.length > MAX_FILTERS) {
    const note = `${filters.length} combinations exceed the limit of the kernel: ${MAX_FILTERS}; it selects every packet`;
    return { filters: undefined, notes: [...notes, note] };
  }
  return { filters, notes };
}

/** Packets whose flow describes an inner packet: any of them may match. */
function encapsulated(tunnels: LocateOptions["tunnels"] = false): WiderFilter[] {
  const { vxlan = [], geneve = [] } =
    tunnels === true ? DEFAULT_TUNNEL_PORTS : tunnels === false ? {} : tunnels;
  return FAMILIES.flatMap((family) => {
    const any = { sourceCidr: ANY[family], destinationCidr: ANY[family] };
    // Port 0 would match any port.
    const isEveryPort = vxlan.includes(0) || geneve.includes(0);
    const ports = isEveryPort ? [0] : [...vxlan, ...geneve];
    return [
      ...ENCAPSULATED_PROTOCOLS.map((protocol) => ({ filter: { ...any, protocol }, tcpFlags: 0 })),
      ...ports.map((destinationPort) => ({
        filter: { ...any, destinationPort, protocol: IPPROTO_UDP },
        tcpFlags: 0,
      })),
    ];
  });
}

/** The values of one filter; in a combination each field has one of them. */
interface Values {
  readonly source: Readonly<Record<4 | 6, readonly string[]>>;
  readonly destination: Readonly<Record<4 | 6, readonly string[]>>;
  readonly sourcePorts: readonly number[];
  readonly destinationPorts: readonly number[];
  readonly protocols: readonly number[];
  readonly tcpFlags: readonly number[];
}

interface Expanded {
  /** Undefined for every packet. */
  readonly combinations: readonly WiderFilter[] | undefined;
  readonly note: string;
}

/** @param max Without TCP flags if there are more combinations. */
function expandAll(allow: readonly CompiledFilter[], max: number): readonly Expanded[] {
  const parts = allow.map((filter) => expand(filter, { withFlags: true }));
  const count = parts.reduce((sum, { combinations = [] }) => sum + combinations.length, 0);
  return count <= max ? parts : allow.map((filter) => expand(filter, { withFlags: false }));
}

function expand(
  { message, fields }: CompiledFilter,
  { withFlags }: { readonly withFlags: boolean },
): Expanded {
  const names = fields.map(({ field }) => field);
  const rest = names.filter((name) => !KERNEL_FIELDS.has(name));
  const tested = names.filter((name) => KERNEL_FIELDS.has(name));
  if (tested.length === 0) {
    return { combinations: undefined, note: "the kernel selects every packet: no field of a packet is set" };
  }
  if (message.ipVersion.includes(0)) {
    return { combinations: undefined, note: "the kernel selects every packet: packets without IP may match" };
  }
  const left =
    rest.length === 0 ? "" : `; ${rest.join(", ")}: tested on the flow, as packets do not contain them`;
  const { values, skipped } = limit({
    source: prefixesOf(message.sourceIp),
    destination: prefixesOf(message.destinationIp),
    sourcePorts: portsOf(message.sourcePort),
    destinationPorts: portsOf(message.destinationPort),
    protocols: protocolsOf(message.protocol, message.tcpFlags.length > 0),
    tcpFlags: withFlags ? flagsOf(message.tcpFlags) : [0],
  });
  const families = FAMILIES.filter(
    (family) => message.ipVersion.length === 0 || message.ipVersion.includes(VERSION[family]),
  );
  const combinations = families.flatMap((family) => combine(values, family));
  const widened =
    skipped.length === 0 ? "" : `; ${skipped.join(", ")}: tested afterwards, as there are too many values`;
  const omitsFlags = !withFlags && tested.includes("tcpFlags");
  const flags = omitsFlags
    ? `; tcpFlags: tested afterwards, as all filters have more than ${MAX_FLAG_FILTERS} combinations`
    : "";
  const inKernel = tested.filter((name) => !skipped.includes(name));
  // A filter with TCP flags requires TCP.
  const shown = omitsFlags
    ? [...new Set(inKernel.map((name) => (name === "tcpFlags" ? "protocol" : name)))]
    : inKernel;
  const start =
    shown.length === 0 ? "the kernel selects every packet" : `${shown.join(", ")}: tested in the kernel`;
  return { combinations, note: `${start}${widened}${flags}${left}` };
}

/** `flow.IPVersion` */
const VERSION = { 4: 1, 6: 2 } as const;

function combine(values: Values, family: 4 | 6): WiderFilter[] {
  const { sourcePorts, destinationPorts, protocols, tcpFlags } = values;
  return values.source[family].flatMap((sourceCidr) =>
    values.destination[family].flatMap((destinationCidr) =>
      sourcePorts.flatMap((sourcePort) =>
        destinationPorts.flatMap((destinationPort) =>
          protocols.flatMap((protocol) =>
            tcpFlags.map((flags) => ({
              filter: { sourceCidr, sourcePort, destinationCidr, destinationPort, protocol },
              tcpFlags: flags,
            })),
          ),
        ),
      ),
    ),
  );
}

/** Omits the fields with most values until the number of combinations is within the limit. */
function limit(all: Values): { readonly values: Values; readonly skipped: readonly FilterField[] } {
  const skipped: FilterField[] = [];
  let values = all;
  while (countOf(values) > MAX_COMBINATIONS) {
    const now = values;
    const sizes: readonly (readonly [FilterField, number, Partial<Values>])[] = [
      ["sourceIp", sizeOf(now.source), { source: EVERY_PREFIX }],
      ["destinationIp", sizeOf(now.destination), { destination: EVERY_PREFIX }],
      ["sourcePort", now.sourcePorts.length, { sourcePorts: [0] }],
      ["destinationPort", now.destinationPorts.length, { destinationPorts: [0] }],
      ["protocol", now.protocols.length, { protocols: [0] }],
      ["tcpFlags", now.tcpFlags.length, { tcpFlags: [0] }],
    ];
    const [name, , without] = sizes.reduce((most, size) => (size[1] > most[1] ? size : most));
    skipped.push(name);
    values = { ...now, ...without };
  }
  return { values, skipped };
}

function countOf({ source, destination, ...rest }: Values): number {
  return Object.values(rest).reduce(
    (count, list) => count * list.length,
    source[4].length * destination[4].length + source[6].length * destination[6].length,
  );
}

function sizeOf(prefixes: Values["source"]): number {
  return Math.max(prefixes[4].length, prefixes[6].length);
}

const EVERY_PREFIX: Values["source"] = { 4: [ANY[4]], 6: [ANY[6]] };

/** Prefixes of both families that contain the addresses whose text matches. */
function prefixesOf(texts: readonly string[]): Values["source"] {
  if (texts.length === 0) return EVERY_PREFIX;
  const found = { 4: new Set<string>(), 6: new Set<string>() };
  for (const text of texts) {
    const prefix = parsePrefix(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
    // An address with a zone, and IPv4-mapped addresses, whose meaning depends on the version of Hubble.
    if (prefix === undefined || prefix.mapped) return EVERY_PREFIX;
    found[prefix.family].add(formatPrefix(prefix));
    if (prefix.family === 4) found[6].add(MAPPED);
  }
  return { 4: [...found[4]], 6: [...found[6]] };
}

/** The kernel does not test port 0, as 0 matches any port there. */
function portsOf(texts: readonly string[]): readonly number[] {
  if (texts.length === 0) return [0];
  const ports = new Set(texts.map((text) => Number(parsePort(text))));
  return ports.has(0) ? [0] : [...ports];
}

/** Without flags of which a packet has all only if it has all of another element. */
function flagsOf(elements: readonly TCPFlags[]): readonly number[] {
  if (elements.length === 0) return [0];
  const all = [...new Set(elements.map(flagBits))];
  return all.filter((flags) => !all.some((fewer) => fewer !== flags && (fewer & ~flags) === 0));
}

/** Names of layer 7 add nothing: no packet has a record of layer 7. */
function protocolsOf(names: readonly string[], isTcp: boolean): readonly number[] {
  if (names.length === 0) return [isTcp ? IPPROTO_TCP : 0];
  const numbers = names.flatMap((name) => (L4_NAMES[goToLower(name)] ?? []).map((own) => L4_NUMBERS[own]));
  return [...new Set(numbers)].filter((number) => !isTcp || number === IPPROTO_TCP);
}
