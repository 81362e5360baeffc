import type { MessageInitShape } from "@bufbuild/protobuf";
import { describeValue } from "../../errors/describe-value.js";
import type { Issue } from "../../errors/errors.js";
import type { FilterSchema } from "../../gen/recorder/recorder_pb.js";
import { goQuote } from "../../go/strconv/quote.js";
import { checkFields, checkNumber, checkText, type ReportField } from "../../message/check-init.js";
import { type Prefix, parsePrefix } from "../../net/index.js";

/**
 * A `recorder.Filter`, as a message or an init object; unset numbers are 0, which matches any value. The protocol may
 * be any IP protocol number from 0 to 255, whether or not the enum names it: 1 is ICMP.
 */
export type PacketFilterInit = Omit<MessageInitShape<typeof FilterSchema>, "protocol"> & {
  readonly protocol?: number;
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

const FIELDS = ["sourceCidr", "sourcePort", "destinationCidr", "destinationPort", "protocol"];
const MAX_PORT = 0xffff;
const MAX_PROTOCOL = 0xff;
const MAPPED_BITS = 96;

/**
 * Parses recorder filters and reports all issues at once, in the order and with the messages of Cilium v1.16.2
 * (pkg/hubble/recorder/service.go), which stops at the first. Three differences: the message for an invalid destination
 * CIDR says `destination`, where upstream says `source` for both; IPv4-mapped prefixes shorter than 96 bits are
 * rejected, where upstream accepts them and matches nothing; protocol numbers above 255 are rejected, where upstream
 * truncates them to eight bits. For callers without types, unknown fields and type mismatches are reported as well.
 */
export function parsePacketFilters(include: readonly PacketFilterInit[]): ParsedPacketFilters {
  if (!Array.isArray(include)) {
    return { filters: [], issues: [{ path: "include", message: `not a list: ${describeValue(include)}` }] };
  }
  if (include.length === 0) {
    return {
      filters: [],
      issues: [{ path: "include", message: "need to specify at least one include filter" }],
    };
  }
  const filters: ParsedPacketFilter[] = [];
  const issues: Issue[] = [];
  // An index loop, so that the holes of a sparse array are checked as well.
  for (let index = 0; index < include.length; index++) {
    const parsed = parseFilter(include[index]!, (field, message) => {
      issues.push({ path: `include[${index}]${field === "" ? "" : `.${field}`}`, message });
    });
    if (parsed !== undefined) filters.push(parsed);
  }
  return { filters, issues };
}

/** Returns the issues of recorder filters; empty if {@link compilePacketFilter} accepts them. */
export function checkPacketFilter(include: readonly PacketFilterInit[]): readonly Issue[] {
  return parsePacketFilters(include).issues;
}

function parseFilter(filter: PacketFilterInit, report: ReportField): ParsedPacketFilter | undefined {
  if (!checkFields(filter, "Filter", FIELDS, report)) return undefined;
  const { sourceCidr = "", sourcePort = 0, destinationCidr = "", destinationPort = 0, protocol = 0 } = filter;
  const source = parseCidr(sourceCidr, "source", report);
  const destination = parseCidr(destinationCidr, "destination", report);
  if (source !== undefined && destination !== undefined && source.family !== destination.family) {
    report(
      "",
      `source (${sourceCidr}) and destination cidr (${destinationCidr}) must be same protocol version`,
    );
  }
  checkRange("source_port", "source port", sourcePort, MAX_PORT, report);
  checkRange("destination_port", "destination port", destinationPort, MAX_PORT, report);
  checkRange("protocol", "protocol", protocol, MAX_PROTOCOL, report);
  if (source === undefined || destination === undefined) return undefined;
  return { family: source.family, source, destination, sourcePort, destinationPort, protocol };
}

function parseCidr(text: string, side: "source" | "destination", report: ReportField): Prefix | undefined {
  if (!checkText(`${side}_cidr`, text, report)) return undefined;
  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    report(`${side}_cidr`, `failed to parse ${side} cidr ${goQuote(text)}: invalid CIDR address: ${text}`);
    return undefined;
  }
  if (prefix.mapped && prefix.family === 6) {
    report(
      `${side}_cidr`,
      `${side} cidr ${goQuote(text)}: an IPv4-mapped prefix must be at least ${MAPPED_BITS} bits long`,
    );
    return undefined;
  }
  return prefix;
}

function checkRange(field: string, name: string, value: number, max: number, report: ReportField): void {
  if (!checkNumber(field, value, report)) return;
  if (!Number.isInteger(value) || value < 0 || value > max) report(field, `${name} ${value} out of range`);
}
