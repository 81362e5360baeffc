import type { PacketBatch } from "../packet/batch.js";
import type { CaptureInterface } from "../packet/source.js";

/** Counts of anomalies in a capture that do not prevent reading its packets. */
export interface CaptureWarnings {
  /** Packets with more captured bytes than the snap length allows. */
  readonly aboveSnapLength: number;
  /** Packets with more captured bytes than they had on the wire. */
  readonly aboveOriginalLength: number;
  /** Packets with damaged pcapng options; their comments may be incomplete. */
  readonly damagedOptions: number;
  /** Parts of the capture that are lost when its packets are written to a new file; all 0 for pcap. */
  readonly notPreserved: NotPreserved;
  /** Parts of the capture that `encodePcapng` and recordings in pcapng write again, and that pcap cannot hold. */
  readonly pcapngOnly: NotPreserved;
}

/**
 * Counts of blocks and options of a pcapng capture. As {@link CaptureWarnings.notPreserved}: those that the decoder skips,
 * because they must not be copied, are too long, or cannot be converted to a new file (little endian, one section).
 */
export interface NotPreserved {
  /** Decryption Secrets Blocks, such as TLS keys. */
  readonly decryptionSecrets: number;
  /** Name Resolution Blocks. */
  readonly nameResolution: number;
  /** Custom Blocks. Those of type 0x40000BAD must not be copied. */
  readonly customBlocks: number;
  /** Blocks of all other types, such as systemd journal entries. */
  readonly otherBlocks: number;
  /** Options of section headers besides the application; only those of the first section are preserved. */
  readonly sectionOptions: number;
  /** Options of interfaces: addresses, speed, time zone, `if_fcslen`, filters that are BPF programs, and unknown ones. */
  readonly interfaceOptions: number;
  /** `epb_flags`: direction, reception type, FCS length and link-layer errors of a packet. */
  readonly packetFlags: number;
  /** Other options of packets: hash, drop count, packet ID, queue, verdict, process. */
  readonly packetOptions: number;
  /** Options of interface statistics. */
  readonly statisticsOptions: number;
}

type Counts<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Counts<T[K]> };

export type CaptureWarningCounts = Counts<CaptureWarnings>;

export function noWarnings(): CaptureWarningCounts {
  return {
    aboveSnapLength: 0,
    aboveOriginalLength: 0,
    damagedOptions: 0,
    notPreserved: noContents(),
    pcapngOnly: noContents(),
  };
}

function noContents(): CaptureWarningCounts["notPreserved"] {
  return {
    decryptionSecrets: 0,
    nameResolution: 0,
    customBlocks: 0,
    otherBlocks: 0,
    sectionOptions: 0,
    interfaceOptions: 0,
    packetFlags: 0,
    packetOptions: 0,
    statisticsOptions: 0,
  };
}

/** Decodes the bytes of one capture incrementally into batches. */
export interface CaptureDecoder {
  readonly fileFormat: "pcap" | "pcapng";
  readonly interfaces: readonly CaptureInterface[];
  readonly warnings: CaptureWarnings;
  /** Packets dropped by the capturing program on all interfaces, according to the part of the file read so far. */
  readonly dropped: number;
  /**
   * Reads up to the first packet; returns false while more bytes are needed to find an interface. Does not throw:
   * errors are left for {@link next}.
   */
  begin(): boolean;
  /**
   * Returns the next complete packets in the input buffer, valid until the next call; undefined if more bytes are
   * needed. Throws a `CaptureError` only after it has returned all packets before the damage.
   */
  next(): PacketBatch | undefined;
  /** Signals the end of the input; throws if it ends inside a packet or block. */
  finish(): void;
}
