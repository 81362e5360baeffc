import { checkArgument } from "../errors/check-argument.js";
import { type ValueCheck, withMethods } from "../errors/value-checks.js";
import type { PacketBatch } from "./batch.js";
import type { KeptPackets } from "./kept-packets.js";
import type { Resolution } from "./record-header.js";

// Declares global types for programs without them. The declaration files would not keep an `import type {}`.
export type {} from "../async/global-types.js";

/** Where packets were captured: a network interface, or the single unnamed interface of a pcap file. */
export interface CaptureInterface {
  /** Link type as numbered in capture files; see link-type.ts. */
  readonly linkType: number;
  /** Unit of the time fractions in the records of its packets. */
  readonly resolution: Resolution;
  /** Maximum captured length requested, in bytes; 0 for no limit. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  /** The pcap-filter expression used for the capture. */
  readonly filter?: string;
  readonly hardware?: string;
  readonly operatingSystem?: string;
  readonly comments?: readonly string[];
  /**
   * Offset in seconds, an integer, to which a pcapng file adds the timestamps of this interface (`if_tsoffset`); absent
   * means 0. Packet times include it. A negative offset lets a pcapng file represent times before 1970.
   */
  readonly timeOffsetSeconds?: number;
  /**
   * The other options of the description in a pcapng file, such as addresses and unknown ones: encoded as in a
   * little-endian block, without opt_endofopt.
   */
  readonly pcapngOptions?: Uint8Array;
  /** The options of the first section header of the pcapng file besides the application, encoded in the same way. */
  readonly sectionOptions?: Uint8Array;
  /** Packet counts of the capturing program, from the last statistics in the file. */
  readonly counts?: InterfaceCounts;
  /** The remaining fields of a pcap file header, so that it can be written back byte for byte. */
  readonly pcapHeader?: PcapHeader;
}

/** Packet counts written by the capturing program (pcapng Interface Statistics Block). */
export interface InterfaceCounts {
  readonly received?: number;
  /** Packets dropped for lack of resources, by the interface and by the operating system together. */
  readonly dropped?: number;
}

/** Fields of a pcap file header besides resolution and snap length. */
export interface PcapHeader {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** Time zone offset in seconds; programs write 0 and readers ignore it. */
  readonly thisZone: number;
  readonly sigFigs: number;
  /** All 32 bits of the link-type field: the low 16 are the link type, the top 6 describe frame check sequences. */
  readonly linkTypeWord: number;
}

/** Running totals of a source. */
export interface SourceStats {
  /** Packets yielded. */
  readonly received: number;
  /** Packets dropped before the source could yield them: by the kernel or, for a file, by the capturing program. */
  readonly dropped: number;
}

/**
 * A source of packets. It can be iterated once and yields batches in order; the reader owns them. The caller that opens
 * a source disposes of it.
 *
 * The iteration ends with the source and throws on an error; it yields every packet before the error first.
 */
export interface PacketSource extends AsyncIterable<PacketBatch>, AsyncDisposable {
  /** May grow while the source is read (pcapng); indices stay valid. */
  readonly interfaces: readonly CaptureInterface[];
  /** Whether all packets have already passed the include filters that the source was opened with. */
  readonly filtered: boolean;
  /** The totals so far. */
  stats(): SourceStats;
  /**
   * Ends the source gracefully: the iteration yields the packets that have already arrived, then ends. If a source
   * lacks this method, its reader ends the iteration at the next batch.
   */
  stop?(): void;
  /**
   * For a source that waits for a trigger before it yields packets: resolves at the trigger, from which on `record` counts
   * the time of a stop condition.
   */
  readonly triggered?: Promise<void>;
  /**
   * The same single iteration without copies: a batch is only valid until the next pull, as the source may reuse its
   * memory. The reader may overwrite the batch. For stages that finish with a batch before they pull the next.
   */
  reusedBatches?(): AsyncIterable<PacketBatch>;
  /**
   * The same single iteration over packets that stay in the memory of the source until they are released, for a reader that keeps
   * the latest ones, such as a flight recorder.
   *
   * @param bytes How many bytes of packets the reader keeps.
   * @returns Undefined if the memory is too small, or the iteration has begun; nothing has changed then.
   */
  keepPackets?(bytes: number): KeptPackets | undefined;
}

/** The single iteration over a source, and whether its batches may be overwritten. */
export interface ReusedBatches {
  readonly batches: AsyncIterable<PacketBatch>;
  /** Whether the reader may change the batches in place; if not, others may still use them. */
  readonly writable: boolean;
}

/** Checks for the members of every source; see {@link PacketSource}. */
export const aSource: ValueCheck<PacketSource> = withMethods<PacketSource>(
  "a packet source",
  Symbol.asyncIterator,
  "stats",
);

/** Returns the fastest iteration that a source supports. */
export function reusedBatchesOf(source: PacketSource): ReusedBatches {
  checkArgument("reusedBatchesOf", "source", source, aSource);
  return source.reusedBatches === undefined
    ? { batches: source, writable: false }
    : { batches: checked(source.reusedBatches()), writable: true };
}

/** Checks the batches of a source of the caller. */
function checked(batches: AsyncIterable<PacketBatch>): AsyncIterable<PacketBatch> {
  if (typeof batches?.[Symbol.asyncIterator] !== "function") {
    throw new TypeError("source.reusedBatches() must return an async iterable of batches");
  }
  return batches;
}
