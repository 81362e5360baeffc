import type { KernelPart } from "../../../filter/kernel-part.js";
import type { PacketFilterInit } from "../../../packet/filter/check.js";
import { Assembler, type Label, type Program } from "./assembler.js";
import { type CaptureOptions, emitCapture } from "./capture-stage.js";
import { type FamilyPlan, type FilterPlan, type PlanOptions, planFilters } from "./filter-plan.js";
import { emitLink } from "./link-stage.js";
import { emitAddressLookup } from "./match/address-lookup.js";
import { emitChain } from "./match/match-chain.js";
import { emitTables } from "./match/match-tables.js";
import { TableBytes } from "./match/table-rows.js";
import { buildTables, GROUP_FILTERS, type GroupTables } from "./match/tables.js";
import { emitTransport } from "./transport-stage.js";

/** What the program does with a matching packet. */
export type Answer =
  /** Writes it to the ring. All packets continue to the next program on the hook. */
  | { readonly kind: "capture"; readonly parts: Omit<CaptureOptions, "layer"> }
  /** Returns 1 for a match, otherwise 0; for tests and measurements. */
  | { readonly kind: "report" };

export interface ProgramOptions extends PlanOptions {
  /** 2 for devices with Ethernet headers, 3 for those without. */
  readonly layer: 2 | 3;
  /** Bytes of a packet that filters consider; at least {@link MIN_WINDOW}. */
  readonly window: number;
  readonly answer: Answer;
  /** Whether the source or the destination must also be in the map `addresses`. */
  readonly hasAddresses?: boolean;
  /**
   * Whether packets match whose headers the program cannot follow to the ports: those that it does not recognize as IP,
   * those with too many extension headers, and TCP headers that are truncated before the flags. Default false.
   */
  readonly matchUnknown?: boolean;
}

export interface CompiledProgram {
  readonly plan: FilterPlan;
  readonly program: Program;
  /** The value of the map `tables`; empty if no tables are needed. */
  readonly tables: Uint8Array;
  readonly groups: readonly GroupTables[];
}

/** Minimum bytes of a packet that filters consider, regardless of the snap length. */
export const MIN_WINDOW = 256;
/** `TCX_NEXT` and `TC_ACT_UNSPEC`: continue with the next program. */
const NEXT_PROGRAM = -1;
/** Filters that every IP packet passes. */
const ANY_IP: readonly PacketFilterInit[] = ["0.0.0.0/0", "::/0"].map((any) => ({
  sourceCidr: any,
  destinationCidr: any,
}));
const NO_PLAN: FilterPlan = { families: [], outcomes: [] };

/**
 * Compiles recorder filters into a program for the traffic-control hooks.
 *
 * @param include Undefined for every packet, IP or not; with addresses, for every IP packet.
 * @throws FilterError as {@link planFilters} does.
 */
export function compileProgram(
  include: readonly PacketFilterInit[] | undefined,
  { layer, window, answer, hasAddresses = false, matchUnknown = false, ...planned }: ProgramOptions,
): CompiledProgram {
  const filters = include === undefined && hasAddresses ? ANY_IP : include;
  const plan = filters === undefined ? NO_PLAN : planFilters(filters, planned);
  const asm = new Assembler();
  const tables = new TableBytes();
  const groups: GroupTables[] = [];
  const match = asm.label("match");
  const miss = asm.label("miss");
  const family = { 4: asm.label("IPv4"), 6: asm.label("IPv6") };
  // A packet that is not recognized as IP has no known address.
  const unknownLink = matchUnknown && !hasAddresses ? match : miss;
  if (filters === undefined) emitAll(asm, match);
  else emitLink(asm, layer, window, { miss: unknownLink, family });
  for (const own of plan.families) {
    asm.place(family[own.family]);
    const ownGroups = own.form === "tables" ? buildGroups(own, tables) : [];
    groups.push(...ownGroups);
    const matched = hasAddresses ? asm.label(`IPv${own.family} filters match`) : match;
    emitFamily(asm, own, ownGroups, { match: matched, miss, unknown: matchUnknown ? matched : undefined });
    if (hasAddresses && own.form !== "nothing") {
      asm.place(matched);
      emitAddressLookup(asm, own.family, match, miss);
    }
  }
  asm.place(match);
  emitAnswer(asm, layer, answer, miss);
  return { plan, program: asm.assemble(), tables: tables.concat(), groups };
}

/** {@link compileProgram} for the filters of a capture: `include`, or without it the filters of a selection of flows. */
export function compileSelected(
  include: readonly PacketFilterInit[] | undefined,
  part: KernelPart | undefined,
  options: Omit<ProgramOptions, "matchUnknown" | "tcpFlags">,
): CompiledProgram {
  if (include !== undefined) return compileProgram(include, options);
  const filters = part?.filters?.map(({ filter }) => filter);
  const tcpFlags = part?.filters?.map((wider) => wider.tcpFlags);
  return compileProgram(filters, { ...options, tcpFlags, matchUnknown: true });
}

function emitAll(asm: Assembler, match: Label): void {
  asm.alu("r6", "=", "r1");
  asm.jump(match);
}

function buildGroups({ filters }: FamilyPlan, tables: TableBytes): readonly GroupTables[] {
  const groups: GroupTables[] = [];
  for (let from = 0; from < filters.length; from += GROUP_FILTERS) {
    groups.push(buildTables(filters.slice(from, from + GROUP_FILTERS), tables));
  }
  return groups;
}

function emitFamily(
  asm: Assembler,
  plan: FamilyPlan,
  groups: readonly GroupTables[],
  {
    match,
    miss,
    unknown,
  }: { readonly match: Label; readonly miss: Label; readonly unknown: Label | undefined },
): void {
  if (plan.form === "nothing") {
    asm.jump(miss);
    return;
  }
  emitTransport(asm, plan, unknown ?? miss, unknown);
  if (plan.form === "everything") asm.jump(match);
  else if (plan.form === "chain") emitChain(asm, plan, match, miss);
  else emitTables(asm, groups, match, miss);
}

function emitAnswer(asm: Assembler, layer: 2 | 3, answer: Answer, miss: Label): void {
  if (answer.kind === "report") {
    asm.alu32("r0", "=", 1);
    asm.exit();
    asm.place(miss);
    asm.alu32("r0", "=", 0);
  } else {
    emitCapture(asm, { layer, ...answer.parts }, miss);
    asm.place(miss);
    asm.alu32("r0", "=", NEXT_PROGRAM);
  }
  asm.exit();
}
