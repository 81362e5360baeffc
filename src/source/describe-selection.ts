import { formatWider } from "../packet/filter/wider-text.js";
import { LINKTYPE_ETHERNET } from "../packet/link-type.js";
import { compileSelection, type FlowSelection } from "./flow-selection.js";

/**
 * Describes where each of the FlowFilters of `openLibpcap` and `openEbpf` is tested and why: a line for each filter, and
 * a last line with the pcap-filter expression for Ethernet.
 *
 * @throws FilterError, OptionsError as `openLibpcap` does.
 * @example
 * ```ts
 * console.log(describeSelection({ allow: [{ destinationPort: ["53"], sourcePod: ["kube-system/"] }] }));
 * ```
 */
export function describeSelection(flows: FlowSelection): string {
  const { filters, notes } = compileSelection(flows).kernel;
  const text = filters === undefined ? undefined : formatWider(filters, LINKTYPE_ETHERNET);
  const expression = text === undefined ? "every packet" : text;
  return [...notes, `expression for libpcap: ${expression}`, ""].join("\n");
}
