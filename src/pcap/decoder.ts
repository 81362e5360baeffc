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
  /** What is lost when the packets are written again; all 0 for pcap. */
  readonly notPreserved: NotPreserved;
}

/**
 * Parts of a pcapng capture that the decoder skips, so that neither `encodePcapng` nor a recording writes them, counted
 * as blocks or options. Kept are packets with their times, lengths and comments, and of interfaces name, description, filter text,
 * hardware, operating system, comments and packet counts.
 */
export interface NotPreserved {
  /** Decryption Secrets Blocks, such as TLS keys. */
  readonly decryptionSecrets: number;
  /** Name Resolution Blocks. */
  readonly nameResolution: number;
  /** Custom Blocks. */
  readonly customBlocks: number;
  /** Blocks of all other types, such as systemd journal entries. */
  readonly otherBlocks: number;
  /** Options of section headers: comments, hardware, operating system. */
  readonly sectionOptions: number;
  /** Options of interfaces: addresses, speed, time zone, `if_fcslen`, filters that are BPF programs. */
  readonly interfaceOptions: number;
  /** `epb_flags`: direction, reception type, FCS length and link-layer errors of a packet. */
  readonly packetFlags: number;
  /** Other options of packets: hash, drop count, packet ID, queue, verdict, process. */
  readonly packetOptions: number;
  /** Options of interface statistics: start and end time, comments, packets accepted by the filter and delivered. */
  readonly statisticsOptions: number;
}

type Counts<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Counts<T[K]> };

export type CaptureWarningCounts = Counts<CaptureWarnings>;

export function noWarnings(): CaptureWarningCounts {
  return {
    aboveSnapLength: 0,
    aboveOriginalLength: 0,
    damagedOptions: 0,
    notPreserved: {
      decryptionSecrets: 0,
      nameResolution: 0,
      customBlocks: 0,
      otherBlocks: 0,
      sectionOptions: 0,
      interfaceOptions: 0,
      packetFlags: 0,
      packetOptions: 0,
      statisticsOptions: 0,
    },
  };
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
