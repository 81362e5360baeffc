import type { KernelPart } from "../filter/kernel-part.js";
import type { PacketFilterInit } from "../packet/filter/check.js";
import { formatPacketFilter } from "../packet/filter/pcap-text.js";
import { formatWider } from "../packet/filter/wider-text.js";
import { LINKTYPE_ETHERNET } from "../packet/link-type.js";
import { compileSelection, type FlowSelection } from "./flow-selection.js";
import { type KernelText, kernelText } from "./libpcap/kernel-text.js";

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
  const { kernel } = compileSelection(flows);
  return textOf([...kernel.notes, `expression for libpcap: ${expressionOf(wholeText(kernel))}`]);
}

/** {@link describeSelection} for a capture by `openLibpcap`, whose packets must also match `include`. */
export function describeForLibpcap(
  flows: FlowSelection,
  include: readonly PacketFilterInit[] | undefined,
): string {
  const { kernel } = compileSelection(flows);
  const text = wholeText(kernel);
  // Without an expression no filter is tested in the kernel, so the notes would be wrong.
  const isTested = text !== undefined && "text" in text;
  const notes =
    isTested || kernel.filters === undefined
      ? kernel.notes
      : ["flows: tested in the process, as the expression cannot"];
  const also = include && kernelText(include.length, () => formatPacketFilter(include));
  return textOf([
    ...notes,
    ...(also === undefined ? [] : [`expression of include, which must match too: ${expressionOf(also)}`]),
    `expression for libpcap: ${expressionOf(text)}`,
  ]);
}

/** {@link describeSelection} for a capture by `openEbpf`; with `include`, its program tests nothing else. */
export function describeForEbpf(
  flows: FlowSelection,
  include: readonly PacketFilterInit[] | undefined,
): string {
  const { kernel } = compileSelection(flows);
  const notes =
    include === undefined
      ? kernel.notes
      : ["flows: tested after the kernel, as its program only tests include"];
  return textOf(notes);
}

function wholeText({ filters }: KernelPart): KernelText | undefined {
  return filters && kernelText(filters.length, () => formatWider(filters, LINKTYPE_ETHERNET));
}

function expressionOf(text: KernelText | undefined): string {
  if (text === undefined) return "every packet";
  return "text" in text ? text.text : `every packet, as ${text.reason}`;
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
