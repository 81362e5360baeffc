import { FilterError } from "../../errors/errors.js";
import type { Prefix } from "../../net/index.js";
import { IPV4_DESTINATION, IPV4_SOURCE } from "../headers/ipv4.js";
import { IPV6_DESTINATION, IPV6_SOURCE } from "../headers/ipv6.js";
import { createLayers, locateLayers, UNKNOWN } from "../layers.js";
import { readUint16, readWord } from "../word.js";
import { type PacketFilterInput, type ParsedPacketFilter, parsePacketFilters } from "./check.js";
import { compileTable, type LayersPredicate, TABLE_ROWS } from "./table.js";

/**
 * Whether the packet in `bytes` from `start` to `end` (captured bytes, without the record header) matches. Never
 * throws, allocates nothing, and keeps no state between packets.
 */
export type PacketPredicate = (bytes: Uint8Array, start: number, end: number, linkType: number) => boolean;

/**
 * Compiles recorder filters into one predicate that matches if any filter matches.
 *
 * A filter applies to the outermost IP header, after encapsulations such as VLAN tags, MPLS and PPPoE: the prefixes
 * must contain the addresses, and protocol and ports must be equal where they are not 0. IPv6 extension headers, and AH
 * after IPv4, are skipped. A packet without ports
 * (ICMP, later fragments) or whose ports were not captured never matches a filter with a port. Filters are
 * unidirectional: matching both directions of a conversation takes two. Upstream's datapath handles only TCP and UDP,
 * so that protocol ANY means those two; here it means any protocol, and SCTP, ICMP and every other number can be
 * matched.
 *
 * Long lists are cheap: filters of the same shape (prefix lengths, which of ports and protocol are set) share one hash
 * table.
 *
 * @throws FilterError with every issue and its path, such as `include[2].source_cidr`.
 */
export function compilePacketFilter(include: readonly PacketFilterInput[]): PacketPredicate {
  const { filters, issues } = parsePacketFilters(include);
  if (issues.length > 0) throw new FilterError(issues);
  const matchesIpv4 = compileFamily(filters.filter(({ family }) => family === 4));
  const matchesIpv6 = compileFamily(filters.filter(({ family }) => family === 6));
  const layers = createLayers();
  return (bytes, start, end, linkType) =>
    locateLayers(bytes, start, end, linkType, layers) &&
    (layers.version === 4 ? matchesIpv4(bytes, layers) : matchesIpv6(bytes, layers));
}

const never: LayersPredicate = () => false;

/** Compiles the filters of one family: groups them by shape, and tries the shapes in order. */
function compileFamily(filters: readonly ParsedPacketFilter[]): LayersPredicate {
  const shapes = new Map<string, ParsedPacketFilter[]>();
  for (const filter of filters) {
    const shape = shapeOf(filter);
    const alike = shapes.get(shape);
    if (alike === undefined) shapes.set(shape, [filter]);
    else alike.push(filter);
  }
  const predicates = [...shapes.values()].flatMap((alike) =>
    alike.length < TABLE_ROWS ? alike.map(compileOne) : [compileTable(alike)],
  );
  const [first = never] = predicates;
  if (predicates.length <= 1) return first;
  return (bytes, layers) => {
    for (let index = 0; index < predicates.length; index++) {
      if (predicates[index]!(bytes, layers)) return true;
    }
    return false;
  };
}

function shapeOf({ source, destination, sourcePort, destinationPort, protocol }: ParsedPacketFilter): string {
  return [source.length, destination.length, sourcePort > 0, destinationPort > 0, protocol > 0].join();
}

function compileOne(filter: ParsedPacketFilter): LayersPredicate {
  return filter.family === 4 ? compileIpv4(filter) : compileIpv6(filter);
}

function compileIpv4(filter: ParsedPacketFilter): LayersPredicate {
  const { protocol } = filter;
  const portsMatch = compilePorts(filter);
  const source = filter.source.words[3]! | 0;
  const sourceMask = filter.source.mask[3]! | 0;
  const destination = filter.destination.words[3]! | 0;
  const destinationMask = filter.destination.mask[3]! | 0;
  return (bytes, { network, protocol: ofPacket, ports }) =>
    (protocol === 0 || ofPacket === protocol) &&
    ((readWord(bytes, network + IPV4_SOURCE) ^ source) & sourceMask) === 0 &&
    ((readWord(bytes, network + IPV4_DESTINATION) ^ destination) & destinationMask) === 0 &&
    portsMatch(bytes, ports);
}

function compileIpv6(filter: ParsedPacketFilter): LayersPredicate {
  const { protocol } = filter;
  const portsMatch = compilePorts(filter);
  const inSource = compileAddressIpv6(filter.source);
  const inDestination = compileAddressIpv6(filter.destination);
  return (bytes, { network, protocol: ofPacket, ports }) =>
    (protocol === 0 || ofPacket === protocol) &&
    inSource(bytes, network + IPV6_SOURCE) &&
    inDestination(bytes, network + IPV6_DESTINATION) &&
    portsMatch(bytes, ports);
}

type AtPredicate = (bytes: Uint8Array, at: number) => boolean;

function compilePorts({ sourcePort, destinationPort }: ParsedPacketFilter): AtPredicate {
  if (sourcePort === 0 && destinationPort === 0) return () => true;
  return (bytes, ports) =>
    ports !== UNKNOWN &&
    (destinationPort === 0 || readUint16(bytes, ports + 2) === destinationPort) &&
    (sourcePort === 0 || readUint16(bytes, ports) === sourcePort);
}

function compileAddressIpv6({ words, mask, length }: Prefix): AtPredicate {
  const wordsToCompare = Math.ceil(length / 32);
  return (bytes, at) => {
    for (let index = 0; index < wordsToCompare; index++) {
      if (((readWord(bytes, at + 4 * index) ^ words[index]!) & mask[index]!) !== 0) return false;
    }
    return true;
  };
}
