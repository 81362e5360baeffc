import { uint32At } from "../../../bytes/little-endian.js";
import { checkArgument } from "../../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../../errors/check-options.js";
import { FlowscribeError } from "../../../errors/errors.js";
import { messageOf } from "../../../errors/message.js";
import { aFunction, anIterable, aString } from "../../../errors/value-checks.js";
import { RECORD_HEADER_LENGTH, RECORD_ORIGINAL_LENGTH } from "../../../packet/batch.js";
import { type BpfPredicate, loadBpf } from "../../../packet/filter/bpf.js";
import type { PacketPredicate } from "../../../packet/filter/filter.js";
import { LINKTYPE_ETHERNET, linkTypeName, MAX_CAPTURED_LENGTH } from "../../../packet/link-type.js";
import { LITTLE_ENDIAN } from "../../native/endianness.js";
import { loadKoffi } from "../../native/koffi.js";
import { loadLibpcap } from "../../native/libpcap.js";
import { compileTextFor } from "../../native/pcap-program.js";
import { toMemoryLinkType } from "../memory-link-type.js";
import { isOptimized, prepareExpression, quoteExpression } from "./text.js";

/** Maximum number of link types that a text is compiled for. Packets of further link types do not match. */
export const MAX_PROGRAMS = 256;

/** Options of {@link compileExpression}. */
export interface ExpressionOptions {
  /** File link types to compile the text for in advance; empty: nothing is checked. Default: Ethernet. */
  readonly linkTypes?: Iterable<number>;
  /**
   * Called with libpcap's message if no packet of a link type can match: once per link type, and once for all link
   * types beyond the first 256, none of which match. Must not throw, as the predicate would throw as well.
   */
  readonly onFault?: (linkType: number, message: string) => void;
}

const EXPRESSION_OPTIONS: OptionTable<ExpressionOptions> = { linkTypes: anIterable, onFault: aFunction };

/**
 * Compiles pcap-filter text (`man pcap-filter`) to a predicate over existing packets, for `filterPackets` of flowscribe/packet.
 * Uses the compiler of the system's libpcap; no privileges are needed. For a link type not given, the text is compiled
 * at its first packet. Packets of a link type that the text cannot be compiled for do not match.
 *
 * The predicate reads the original length from the 16-byte record header before the packet, so pass it packets within a
 * batch.
 *
 * Host names are resolved once, before the promise resolves. An expression has at most 65,536 characters and at most
 * 9,500 estimated instructions (about 140 ports or 300 addresses): for much larger ones libpcap takes minutes or
 * crashes.
 *
 * @param options Options, or a file link type to compile the text for in advance.
 * @throws FlowscribeError `invalid_expression` if the text is too large, or is not a valid filter for any of the given
 *   link types (with libpcap's message for the first); `capture_unavailable` if koffi or libpcap is missing.
 * @throws OptionsError
 *
 * @example
 * const isWeb = await compileExpression("tcp port 80", 1); // LINKTYPE_ETHERNET
 */
export async function compileExpression(
  text: string,
  options: number | ExpressionOptions = {},
): Promise<PacketPredicate> {
  checkArgument("compileExpression", "text", text, aString);
  const given = typeof options === "number" ? { linkTypes: [options] } : options;
  checkOptions("compileExpression", given, EXPRESSION_OPTIONS);
  const { linkTypes = [LINKTYPE_ETHERNET], onFault } = given;
  const koffi = await loadKoffi();
  const libpcap = loadLibpcap(koffi);
  const prepared = await prepareExpression(text).catch((cause) => {
    throw new FlowscribeError(
      "invalid_expression",
      `${quoteExpression(text)} is not a filter: ${messageOf(cause)}`,
      { cause },
    );
  });
  const programs = new Map<number, BpfPredicate>();
  let isFull = false;

  function compile(linkType: number): BpfPredicate | Fault {
    try {
      const memoryLinkType = toMemoryLinkType(linkType);
      const optimize = isOptimized(prepared, linkType);
      const program = compileTextFor(koffi, libpcap, memoryLinkType, MAX_CAPTURED_LENGTH, {
        text: prepared.text,
        optimize,
      });
      return loadBpf(program, LITTLE_ENDIAN);
    } catch (cause) {
      return { linkType, message: messageOf(cause), cause };
    }
  }

  /** Compiles the text for a link type. Returns a fault to report, or undefined. */
  function add(linkType: number): Fault | undefined {
    if (programs.has(linkType)) return undefined;
    if (programs.size === MAX_PROGRAMS) {
      if (isFull) return undefined;
      isFull = true;
      return { linkType, message: `there are more than ${MAX_PROGRAMS} link types` };
    }
    const compiled = compile(linkType);
    const isProgram = typeof compiled === "function";
    programs.set(linkType, isProgram ? compiled : never);
    return isProgram ? undefined : compiled;
  }

  function addLate(linkType: number): BpfPredicate {
    const fault = add(linkType);
    if (fault !== undefined) onFault?.(linkType, fault.message);
    return programs.get(linkType) ?? never;
  }

  const faults = Array.from(linkTypes, add).filter((fault) => fault !== undefined);
  const [first] = faults;
  if (first !== undefined && [...programs.values()].every((program) => program === never)) {
    throw new FlowscribeError(
      "invalid_expression",
      `${quoteExpression(text)} is not a filter: ${first.message} (for ${linkTypeName(first.linkType)})`,
      { cause: first.cause },
    );
  }
  for (const { linkType, message } of faults) onFault?.(linkType, message);

  return (bytes, start, end, linkType) => {
    const program = programs.get(linkType) ?? addLate(linkType);
    return program(bytes, start, end, uint32At(bytes, start - RECORD_HEADER_LENGTH + RECORD_ORIGINAL_LENGTH));
  };
}

/** Why the text cannot be compiled for a link type. */
interface Fault {
  readonly linkType: number;
  readonly message: string;
  readonly cause?: unknown;
}

const never: BpfPredicate = () => false;
