import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface } from "../packet/source.js";

/** Oddities of a capture that did not keep its packets from being read, counted. */
export interface CaptureWarnings {
  /** Packets with more captured bytes than the snap length allows. */
  readonly aboveSnapLength: number;
  /** Packets with more captured bytes than they had on the wire. */
  readonly aboveOriginalLength: number;
  /** Packets whose pcapng options could not be read to the end; their comments may be missing. */
  readonly damagedOptions: number;
}

export type CaptureWarningCounts = { -readonly [K in keyof CaptureWarnings]: CaptureWarnings[K] };

export function noWarnings(): CaptureWarningCounts {
  return { aboveSnapLength: 0, aboveOriginalLength: 0, damagedOptions: 0 };
}

/** Turns the bytes of one capture, as far as they are there, into batches. */
export interface CaptureDecoder {
  readonly fileFormat: "pcap" | "pcapng";
  readonly interfaces: readonly CaptureInterface[];
  readonly warnings: CaptureWarnings;
  /** Packets that the capturing program dropped, all interfaces together, as far as the file has been read. */
  readonly dropped: number;
  /**
   * Reads what stands before the first packet; false while more bytes are needed to know an interface. What is wrong
   * there is left for {@link next} to meet.
   */
  begin(): boolean;
  /**
   * The next packets that are whole in the input buffer, lent until the next call; undefined when more bytes are needed.
   * Throws a `CaptureError` only when all packets before the damage have been handed out.
   */
  next(): PacketBatch | undefined;
  /** Says that there are no more bytes; throws if they end inside something. */
  finish(): void;
}
