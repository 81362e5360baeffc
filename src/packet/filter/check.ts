import type { MessageInitShape } from "@bufbuild/protobuf";
import { describeValue } from "../../errors/describe-value.js";
import type { Issue } from "../../errors/errors.js";
import type { ReportIssue } from "../../errors/value-checks.js";
import type { Filter, FilterSchema, ProtocolJson } from "../../gen/recorder/recorder_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import { MessageIssues } from "../../message/issues.js";
import { readMessage } from "../../message/read.js";
import {
  ANY_INTEGER,
  type MessageType,
  messageOf,
  messageType,
  STRING,
  type ValueType,
} from "../../message/type.js";
import { type Prefix, parsePrefix } from "../../net/index.js";

/**
 * A `recorder.Filter`, as a message or an init object; unset numbers are 0, which matches any value. The protocol may
 * be any IP protocol number from 0 to 255, whether or not the enum names it: 1 is ICMP.
 */
export type PacketFilterInit = Omit<MessageInitShape<typeof FilterSchema>, "protocol"> & {
  readonly protocol?: number;
};

/** A {@link PacketFilterInit}, or parsed protobuf JSON. */
export type PacketFilterInput = Omit<PacketFilterInit, "protocol"> & {
  readonly protocol?: number | ProtocolJson;
};

/**
 * A filter with parsed CIDRs: both of one family; ports 0 to 65535 and protocol 0 to 255, where 0 matches any value.
 */
export interface ParsedPacketFilter {
  readonly family: 4 | 6;
  readonly source: Prefix;
  readonly destination: Prefix;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
}

/** Result of {@link parsePacketFilters}: filters, or issues. */
export interface ParsedPacketFilters {
  /** One for every input filter if `issues` is empty. */
  readonly filters: readonly ParsedPacketFilter[];
  readonly issues: readonly Issue[];
}

/** As in the generated enum, which would load protobuf-es. */
const PROTOCOLS: { readonly [K in ProtocolJson]: number } = {
  PROTOCOL_ANY: 0,
  PROTOCOL_TCP: 6,
  PROTOCOL_UDP: 17,
  PROTOCOL_SCTP: 132,
};

const PROTOCOL: ValueType = {
  kind: "enum",
  name: "Protocol",
  values: Object.entries(PROTOCOLS).map(([name, number]) => ({ name, number })),
};

/** `recorder.Filter`, without its descriptor, which would load protobuf-es. Ranges are checked after reading. */
export const FILTER: MessageType = messageType<Filter>("Filter", {
  sourceCidr: STRING,
  sourcePort: ANY_INTEGER,
  destinationCidr: STRING,
  destinationPort: ANY_INTEGER,
  protocol: PROTOCOL,
});

const MAX_PORT = 0xffff;
const MAX_PROTOCOL = 0xff;
const MAPPED_BITS = 96;

/**
 * Parses recorder filters and reports all issues at once, in the order and with the messages of Cilium v1.16.2
 * (pkg/hubble/recorder/service.go), which stops at the first. Three differences: the message for an invalid destination
 * CIDR says `destination`, where upstream says `source` for both; IPv4-mapped prefixes shorter than 96 bits are
 * rejected, where upstream accepts them and matches nothing; protocol numbers above 255 are rejected, where upstream
 * truncates them to eight bits. Unknown fields and type mismatches are reported as well.
 */
export function parsePacketFilters(include: readonly PacketFilterInput[]): ParsedPacketFilters {
  if (!Array.isArray(include)) {
    return {
      filters: [],
      issues: [{ path: "include", message: `must be a list, not ${describeValue(include)}` }],
    };
  }
  const issues = new MessageIssues();
  const read = readMessage(INCLUDE, { include }, "", {
    report: (path, message) => issues.reportUnreadable(path, message),
  });
  // Read as a list of `FILTER`.
  const fields = read.include as readonly FilterFields[];
  const filters = parseFilters(fields, (path, message) => issues.report(path, message));
  return { filters, issues: issues.issues };
}

/** The argument of {@link parsePacketFilters} as a message, so that paths start with `include`. */
const INCLUDE: MessageType = messageType<{ include: never }>("StartRecording", {
  include: { listOf: messageOf(FILTER) },
});

/** The fields of a filter that were read as {@link FILTER}. */
export type FilterFields = { readonly [K in keyof ParsedFields]?: ParsedFields[K] };

interface ParsedFields {
  readonly sourceCidr: string;
  readonly sourcePort: number;
  readonly destinationCidr: string;
  readonly destinationPort: number;
  readonly protocol: number;
}

/** Parses filters whose fields were read, for {@link parsePacketFilters} and for whole requests. */
export function parseFilters(include: readonly FilterFields[], report: ReportIssue): ParsedPacketFilter[] {
  if (include.length === 0) report("include", "need to specify at least one include filter");
  return include.flatMap((filter, index) => {
    const parsed = parseFilter(filter, `include[${index}]`, report);
    return parsed === undefined ? [] : [parsed];
  });
}

/** Returns the issues of recorder filters; empty if {@link compilePacketFilter} accepts them. */
export function checkPacketFilter(include: readonly PacketFilterInput[]): readonly Issue[] {
  return parsePacketFilters(include).issues;
}

function parseFilter(
  { sourceCidr = "", sourcePort = 0, destinationCidr = "", destinationPort = 0, protocol = 0 }: FilterFields,
  path: string,
  report: ReportIssue,
): ParsedPacketFilter | undefined {
  const source = parseCidr(sourceCidr, "source", path, report);
  const destination = parseCidr(destinationCidr, "destination", path, report);
  if (source !== undefined && destination !== undefined && source.family !== destination.family) {
    report(
      path,
      `source (${sourceCidr}) and destination cidr (${destinationCidr}) must be same protocol version`,
    );
  }
  checkRange(`${path}.source_port`, "source port", sourcePort, MAX_PORT, report);
  checkRange(`${path}.destination_port`, "destination port", destinationPort, MAX_PORT, report);
  checkRange(`${path}.protocol`, "protocol", protocol, MAX_PROTOCOL, report);
  if (source === undefined || destination === undefined) return undefined;
  return { family: source.family, source, destination, sourcePort, destinationPort, protocol };
}

function parseCidr(
  text: string,
  side: "source" | "destination",
  path: string,
  report: ReportIssue,
): Prefix | undefined {
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    const message = `failed to parse ${side} cidr ${goQuote(text)}: invalid CIDR address: ${text}`;
    report(`${path}.${side}_cidr`, message);
    return undefined;
  }
  if (prefix.mapped && prefix.family === 6) {
    const fault = `an IPv4-mapped prefix must be at least ${MAPPED_BITS} bits long`;
    report(`${path}.${side}_cidr`, `${side} cidr ${goQuote(text)}: ${fault}`);
    return undefined;
  }
  return prefix;
}

function checkRange(path: string, name: string, value: number, max: number, report: ReportIssue): void {
  if (value < 0 || value > max) report(path, `${name} ${value} out of range`);
}
