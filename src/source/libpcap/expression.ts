import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { aFunction, anIterable, aString } from "../../errors/value-checks.js";
import { RECORD_HEADER_LENGTH, RECORD_ORIGINAL_LENGTH } from "../../packet/batch.js";
import { type BpfPredicate, loadBpf } from "../../packet/bpf.js";
import type { PacketPredicate } from "../../packet/filter.js";
import { LINKTYPE_ETHERNET, linkTypeName, MAX_CAPTURED_LENGTH } from "../../packet/link-type.js";
import { LITTLE_ENDIAN } from "../native/endianness.js";
import { loadKoffi } from "../native/koffi.js";
import { loadLibpcap } from "../native/libpcap.js";
import { compileTextFor } from "../native/pcap-program.js";
import { isOptimized, prepareExpression, quoteExpression } from "./expression-text.js";
import { toMemoryLinkType } from "./memory-link-type.js";

/** Link types that a text is compiled for; packets of further ones do not match. */
export const MAX_PROGRAMS = 256;

/** For {@link compileExpression}. */
export interface ExpressionOptions {
  /** Link types, as in files, that the text is compiled for beforehand; none: nothing is checked. Default: Ethernet. */
  readonly linkTypes?: Iterable<number>;
  /**
   * Told why no packet of a link type matches, in libpcap's words: once for each, and once for all that come
   * after 256 others, of which none matches. Must not throw, as the predicate would.
   */
  readonly onFault?: (linkType: number, message: string) => void;
}

const EXPRESSION_OPTIONS: OptionTable<ExpressionOptions> = { linkTypes: anIterable, onFault: aFunction };

/**
 * pcap-filter text (`man pcap-filter`) as a predicate over packets that are there already, by the compiler of the system's
 * libpcap; for `keep` of flowscribe/packet. For a link type not given, the text is compiled when its first packet comes.
 * Packets of a link type that it cannot be compiled for, of which libpcap knows many, do not match.
 *
 * The predicate looks at the 16 bytes of record header before the packet, for its length on the wire: it takes packets where they
 * are in a batch. It needs no rights.
 *
 * Host names are looked up once, before this resolves. An expression is at most 65,536 characters long and compiles
 * to about 5,000 instructions at most (80 ports, or 150 addresses): for much larger ones libpcap takes minutes,
 * or crashes.
 *
 * @param options Or the link type, as in files, that the text is compiled for beforehand.
 * @throws FlowscribeError `invalid_expression` when the text is not a filter for any of the link types given, with libpcap's message
 *   about the first of them, or is too large; `capture_unavailable` without koffi or libpcap.
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

  /** Undefined when it is known now, be it as never matching, with nothing to be told. */
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
    return program(bytes, start, end, originalLength(bytes, start - RECORD_HEADER_LENGTH));
  };
}

/** Why the text is not a filter for a link type. */
interface Fault {
  readonly linkType: number;
  readonly message: string;
  readonly cause?: unknown;
}

const never: BpfPredicate = () => false;

function originalLength(bytes: Uint8Array, record: number): number {
  const at = record + RECORD_ORIGINAL_LENGTH;
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
