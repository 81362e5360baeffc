import type { FlowFilterLists } from "../filter/compile.js";
import { DEFAULT_HUBBLE_VERSION, type HubbleVersion } from "../hubble/version.js";
import type { FlowTest } from "../observer/select-matching.js";
import type { PacketPart } from "../packet/index.js";

/**
 * Compiles the flow filters of a command. What compiles them is loaded only if there are filters, and the CEL engine only
 * if there are expressions: that takes longer than loading the rest of a command. (In the bundle of the program, filters
 * find the engine only after this import; see `tools/build/lazy-cel-engine.ts`.)
 *
 * @throws FilterError
 */
export async function compileFilters(
  { allow = [], deny = [] }: FlowFilterLists,
  hubble: HubbleVersion = DEFAULT_HUBBLE_VERSION,
): Promise<FlowTest> {
  const filters = [...allow, ...deny];
  if (filters.length === 0) return () => true;
  if (filters.some(({ experimental }) => experimental?.celExpression?.length))
    await import("../filter/cel-engine.js");
  const { compileFlowFilters } = await import("../filter/compile.js");
  return compileFlowFilters({ allow, deny }, { hubble });
}

/**
 * Compiles the part of the flow filters that packets alone can answer; undefined without filters. Call
 * {@link compileFilters} first.
 */
export async function compilePacketPart(
  { allow = [], deny = [] }: FlowFilterLists,
  hubble: HubbleVersion = DEFAULT_HUBBLE_VERSION,
): Promise<PacketPart | undefined> {
  if (allow.length + deny.length === 0) return undefined;
  const { packetPart } = await import("../filter/packet-part.js");
  return packetPart({ allow, deny }, { hubble });
}
