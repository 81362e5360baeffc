import { checkOptions } from "../errors/check-options.js";
import { FilterError } from "../errors/errors.js";
import { PacketPart } from "../packet/flow/packet-part.js";
import { combineTests } from "./combine.js";
import { type CompiledFilter, compileLists, type FlowFilterLists, toListed } from "./compile.js";
import type { FieldTest } from "./field.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions } from "./filter-options.js";

/**
 * Compiles the part of allow and deny lists that packets alone can answer: the fields about addresses, ports, protocol,
 * TCP flags and IP version. Pass it to a flow decoder, which then creates only the flows that may pass.
 *
 * It is never narrower than the lists: an allow filter keeps only these fields, and a deny filter with any other field
 * is left out. If nothing was left out, it is `exact`.
 *
 * ```ts
 * const lists = { allow: [{ destinationPort: ["53"], sourcePod: ["kube-system/"] }] };
 * const passes = compileFlowFilters(lists);
 * const part = packetPart(lists); // port 53; not exact
 * for (const flow of createFlowDecoder(options).decode(batch, part)) if (passes(flow)) use(flow);
 * ```
 *
 * @throws FilterError with every fault of both lists and its path; OptionsError.
 */
export function packetPart(lists: FlowFilterLists, options: FlowFilterOptions = {}): PacketPart {
  checkOptions("packetPart", options, FLOW_FILTER_OPTIONS);
  const { allow, deny, issues } = compileLists(lists, options);
  if (issues.length > 0) throw new FilterError(issues);
  const allowed = allow.map(({ message, fields }) => ({
    message,
    fields: fields.filter(({ test }) => isOfPacket(test)),
  }));
  const denied = deny.filter(isWhollyOfPacket);
  const exact = denied.length === deny.length && allow.every(isWhollyOfPacket);
  const reads = [...allowed, ...denied].flatMap(({ fields }) => fields.flatMap(({ test }) => test.reads));
  return new PacketPart(
    combineTests({ allow: allowed.map(toListed), deny: denied.map(toListed) }).matches,
    {
      addresses: reads.some((path) => path === "IP" || ADDRESSES.has(path)),
      layer4: reads.some((path) => rootOf(path) === "l4"),
    },
    exact,
  );
}

/** The fields of a flow that packets contain, and `l7`, which no packet has. */
const OF_PACKET: ReadonlySet<string> = new Set(["IP", "l4", "l7"]);
const ADDRESSES: ReadonlySet<string> = new Set(["IP.source", "IP.destination"]);

function isWhollyOfPacket({ fields }: CompiledFilter): boolean {
  return fields.every(({ test }) => isOfPacket(test));
}

function isOfPacket({ reads }: FieldTest): boolean {
  return reads.every((path) => OF_PACKET.has(rootOf(path)));
}

function rootOf(path: string): string {
  return path.split(".", 1)[0]!;
}
