import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { BPF_INSTRUCTION_LENGTH } from "../../packet/filter/bpf.js";
import { formatPacketFilter } from "../../packet/filter/pcap-text.js";
import { formatWider } from "../../packet/filter/wider-text.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import { type ExpressionText, isOptimized, prepareExpression, quoteExpression } from "./expression/text.js";
import { chainPrograms } from "./kernel-filter.js";
import { kernelText } from "./kernel-text.js";
import { checkStatus } from "./open-error.js";
import type { CapturePlan } from "./plan.js";

/** `BPF_MAXINSNS` of the kernel. */
const MAX_KERNEL_INSTRUCTIONS = 4096;

/** A filter is always set, as it is what truncates packets to the snap length in the kernel. */
export function setFilter(
  handle: PcapHandle,
  linkType: number,
  plan: CapturePlan,
  expression: ExpressionText,
): void {
  checkStatus(plan.device, handle, handle.setFilter(compileProgram(handle, linkType, plan, expression)));
}

/** Compiles what the kernel tests of a plan to one classic BPF program, which returns the bytes to capture. */
export function compileProgram(
  handle: PcapHandle,
  linkType: number,
  { include = [], kernelPart }: CapturePlan,
  expression: ExpressionText,
): Uint8Array {
  const filters = kernelPart?.filters ?? [];
  const programs = [
    compileFilters(handle, include.length, () => formatPacketFilter(include, { linkType })),
    compileFilters(handle, filters.length, () => formatWider(filters, linkType)),
  ].filter((program) => program !== undefined);
  const own = compileForDevice(handle, expression);
  if (expression.text !== "" || programs.length === 0) programs.unshift(own);
  return withinLimit(programs).reduce(chainPrograms);
}

/** Resolves the names in the expression of a capture. @throws FlowscribeError `invalid_expression` */
export async function prepareFilter({ expression = "" }: CapturePlan): Promise<ExpressionText> {
  try {
    return await prepareExpression(expression);
  } catch (cause) {
    throw expressionError(expression, cause);
  }
}

function compileForDevice(handle: PcapHandle, expression: ExpressionText): Uint8Array {
  try {
    const optimize = isOptimized(expression, handle.linkType) && !usesVlan(expression);
    return handle.compile({ text: expression.text, optimize });
  } catch (cause) {
    throw expressionError(expression.text, cause);
  }
}

/**
 * Live, `vlan` also matches a tag in the metadata of a packet, for which libpcap's optimizer computes wrong offsets, so
 * that packets are lost (https://github.com/the-tcpdump-group/libpcap/issues/1513, seen in 1.10.3).
 */
function usesVlan({ tokens }: ExpressionText): boolean {
  return tokens.some(({ text }) => text === "vlan");
}

function expressionError(expression: string, cause: unknown): FlowscribeError {
  return new FlowscribeError(
    "invalid_expression",
    `${quoteExpression(expression)} is not a filter for this device: ${messageOf(cause)}`,
    { cause },
  );
}

/**
 * Leaves out the last programs if the kernel would reject all of them together. Their conditions are tested again
 * anyway; only the first may be an expression.
 */
function withinLimit(programs: readonly Uint8Array[]): readonly Uint8Array[] {
  let bytes = 0;
  return programs.filter((program, index) => {
    const isWithin = bytes + program.length <= MAX_KERNEL_INSTRUCTIONS * BPF_INSTRUCTION_LENGTH;
    if (index > 0 && !isWithin) return false;
    bytes += program.length;
    return true;
  });
}

/** Undefined if only the predicate tests these filters. */
function compileFilters(
  handle: PcapHandle,
  count: number,
  format: () => string | undefined,
): Uint8Array | undefined {
  if (count === 0) return undefined;
  const formatted = kernelText(count, format);
  if (!("text" in formatted)) return undefined;
  try {
    return handle.compile({ text: formatted.text, optimize: true });
  } catch {
    // libpcap does not support IP on this link type, or the program is too large: use the predicate alone.
    return undefined;
  }
}
