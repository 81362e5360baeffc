import { checkOptions, type OptionTable } from "../../../errors/check-options.js";
import { anInteger, checkedElsewhere, oneOf } from "../../../errors/value-checks.js";
import { formatPrefix } from "../../../net/index.js";
import { type PacketFilterInit, parsePacketFilters } from "../../../packet/filter/check.js";
import { MAX_CAPTURED_LENGTH } from "../../../packet/link-type.js";
import { compileSelection, type FlowSelection } from "../../flow-selection.js";
import { layOutRing, MAX_RING_BYTES } from "../ring-layout.js";
import type { FamilyPlan, Outcome } from "./filter-plan.js";
import { GROUP_FILTERS } from "./match/tables.js";
import { type CompiledProgram, compileSelected, MIN_WINDOW } from "./program.js";

/** Parameters of the program to describe; see `EbpfOptions`. */
export interface DescribeOptions {
  readonly snapLength?: number;
  readonly direction?: "ingress" | "egress";
  readonly bufferBytes?: number;
  /** As for `openEbpf`: selects packets if `include` is undefined. */
  readonly flows?: FlowSelection;
  /** 2 (default) for devices with Ethernet headers, 3 for those without. */
  readonly layer?: 2 | 3;
}

const DESCRIBE_OPTIONS: OptionTable<DescribeOptions> = {
  snapLength: anInteger(0, MAX_CAPTURED_LENGTH),
  direction: oneOf("ingress", "egress"),
  bufferBytes: anInteger(0, MAX_RING_BYTES),
  // The compile function checks it.
  flows: checkedElsewhere,
  layer: oneOf(2, 3),
};

/** Number of processors that the program is shown for, as it determines the program's bounds. */
const SHOWN_PROCESSORS = 1;

/**
 * Describes the program that `openEbpf` creates for filters: how each filter is handled and why, then the instructions.
 * Needs no privileges and runs on every platform.
 *
 * @param include Undefined for every packet, IP or not.
 * @throws FilterError as `openEbpf` does; OptionsError.
 */
export function describeProgram(
  include?: readonly PacketFilterInit[],
  options: DescribeOptions = {},
): string {
  checkOptions("describeProgram", options, DESCRIBE_OPTIONS);
  const { snapLength = 0, direction = "ingress", bufferBytes = 0, flows, layer = 2 } = options;
  const keptLength = snapLength === 0 ? MAX_CAPTURED_LENGTH : snapLength;
  const ring = layOutRing(bufferBytes, keptLength, SHOWN_PROCESSORS);
  const parts = { arriving: direction === "ingress", copyLength: keptLength, ring };
  const part = flows === undefined ? undefined : compileSelection(flows).kernel;
  const shown = include ?? part?.filters?.map(({ filter }) => filter);
  const tcpFlags = include === undefined ? part?.filters?.map((wider) => wider.tcpFlags) : undefined;
  const compiled = compileSelected(include, part, {
    layer,
    window: Math.max(keptLength, MIN_WINDOW),
    answer: { kind: "capture", parts },
  });
  return [
    describeWhole(compiled, shown),
    ...compiled.plan.families.map(describeFamily),
    "",
    ...describeFilters(shown ?? [], compiled.plan.outcomes, tcpFlags),
    "",
    compiled.program.format(),
    "",
  ].join("\n");
}

function describeWhole(
  { program, tables }: CompiledProgram,
  include: readonly PacketFilterInit[] | undefined,
): string {
  const tableText = tables.length === 0 ? "no tables" : `tables of ${tables.length} bytes`;
  const filters = include === undefined ? "every packet" : counted(include.length, "filter");
  return `${filters}, ${program.instructions.length} instructions, ${tableText}`;
}

function describeFamily({
  family,
  form,
  filters,
  needsProtocol,
  needsPorts,
  needsFlags,
}: FamilyPlan): string {
  const count = filters.length;
  const groups = Math.ceil(count / GROUP_FILTERS);
  const how = {
    nothing: "no filter: never matches",
    everything: "a filter matches everything: nothing is compared",
    chain: `${counted(count, "filter")}, compared one after the other`,
    tables: `${counted(count, "filter")} in ${groups === 1 ? "one group" : `${groups} groups`} of tables: each field is looked up once`,
  }[form];
  if (form === "nothing" || form === "everything") return `IPv${family}: ${how}`;
  const protocol = needsProtocol ? "the protocol is read" : "neither protocol nor ports are read";
  const ports = needsPorts ? "protocol and ports are read" : protocol;
  return `IPv${family}: ${how}; ${ports}${needsFlags ? ", and TCP flags" : ""}`;
}

function describeFilters(
  include: readonly PacketFilterInit[],
  outcomes: readonly Outcome[],
  tcpFlags: readonly number[] = [],
): readonly string[] {
  const { filters } = parsePacketFilters(include);
  return filters.map(({ source, destination, sourcePort, destinationPort, protocol }, index) => {
    const from = `${formatPrefix(source)} port ${sourcePort || "any"}`;
    const to = `${formatPrefix(destination)} port ${destinationPort || "any"}`;
    const transport = `protocol ${protocol || "any"}${describeFlags(tcpFlags[index] ?? 0)}`;
    return `include[${index}] ${from} → ${to}, ${transport}: ${describeOutcome(outcomes[index]!)}`;
  });
}

/** From the lowest bit on. */
const FLAG_NAMES = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"];

function describeFlags(flags: number): string {
  const names = FLAG_NAMES.filter((_, bit) => (flags & (1 << bit)) !== 0);
  return names.length === 0 ? "" : `, TCP flags ${names.join(" and ")}`;
}

function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case "compared":
      return "compared";
    case "tabled":
      return "in the tables";
    case "impossible":
      return "omitted: a port of a protocol without ports never matches";
    case "covered":
      return `omitted: include[${outcome.by}] matches everything that it matches`;
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
