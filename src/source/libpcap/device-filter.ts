import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { formatPacketFilter } from "../../packet/filter/pcap-text.js";
import type { PcapHandle } from "../native/pcap-handle.js";
import { type ExpressionText, isOptimized, prepareExpression, quoteExpression } from "./expression/text.js";
import { chainPrograms } from "./kernel-filter.js";
import { checkStatus } from "./open-error.js";
import type { CapturePlan } from "./plan.js";

/**
 * Maximum number of filters that are compiled for the kernel, whose programs have at most 4,096 instructions. Longer
 * lists are left to the predicate alone.
 */
const MAX_KERNEL_FILTERS = 64;
/** Maximum length of the text of such filters: libpcap optimizes it on this thread, in cubic time, 400 ms at most. */
const MAX_KERNEL_TEXT_LENGTH = 20_000;

/** A filter is always set, as it is what truncates packets to the snap length in the kernel. */
export function setFilter(
  handle: PcapHandle,
  linkType: number,
  { device, include }: CapturePlan,
  expression: ExpressionText,
): void {
  let program = compileForDevice(handle, expression);
  const includeProgram = include === undefined ? undefined : compileInclude(handle, linkType, include);
  if (includeProgram !== undefined) {
    program = expression.text === "" ? includeProgram : chainPrograms(program, includeProgram);
  }
  checkStatus(device, handle, handle.setFilter(program));
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

function compileInclude(
  handle: PcapHandle,
  linkType: number,
  include: readonly PacketFilterInit[],
): Uint8Array | undefined {
  if (include.length === 0 || include.length > MAX_KERNEL_FILTERS) return undefined;
  const text = formatPacketFilter(include, { linkType });
  if (text.length > MAX_KERNEL_TEXT_LENGTH) return undefined;
  try {
    return handle.compile({ text, optimize: true });
  } catch {
    // libpcap does not support IP on this link type, or the program is too large: use the predicate alone.
    return undefined;
  }
}
