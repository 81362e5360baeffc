import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { anInteger, oneOf } from "../../errors/value-checks.js";
import { type PacketBatch, recordEnd } from "../../packet/batch.js";
import { linkTypeName } from "../../packet/link-type.js";
import {
  convertRecordTime,
  RECORD_CAPTURED_LENGTH,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  type Resolution,
} from "../../packet/record-header.js";
import { aSource, type PacketSource } from "../../packet/source.js";
import { encodeSource } from "../encode-source.js";
import type { CaptureEncoder } from "../encoder.js";
import {
  PCAP_CURRENT_MINOR,
  PCAP_HEADER_LENGTH,
  PCAP_LAST_SWAPPED_MINOR,
  PCAP_LINK_TYPE,
  PCAP_LINK_TYPE_BITS,
  PCAP_MAGIC_NS,
  PCAP_MAGIC_US,
  PCAP_SIG_FIGS,
  PCAP_SNAP_LENGTH,
  PCAP_THIS_ZONE,
  PCAP_VERSION_MAJOR,
  PCAP_VERSION_MINOR,
} from "./format.js";

/** Overrides of fields in the file header. */
export interface PcapOptions {
  /** Unit of the times in the file; default: that of the first interface. Finer times are truncated. */
  readonly resolution?: Resolution;
  /** Snap length in the file header in bytes; default: that of the first interface. Packets are not truncated to it. */
  readonly snapLength?: number;
}

const PCAP_OPTIONS: OptionTable<PcapOptions> = {
  resolution: oneOf("us", "ns"),
  snapLength: anInteger(0, 2 ** 32 - 1),
};

/**
 * Encodes a source as a little-endian pcap file. A little-endian pcap file read with {@link decodeCapture} is
 * reproduced byte for byte (in version 2.3 only if the captured length precedes the original length, which programs
 * differ in).
 *
 * A pcap file has one link type: a packet of another one ends the output with `mixed_link_types`; use pcapng instead.
 * Comments and packet counts are lost. Packets without a time get time 0.
 *
 * @throws FlowscribeError from the iteration: `mixed_link_types`, `time_out_of_range` (before 1970 or after 2106), and
 *   any error of the source. OptionsError, or TypeError for an invalid source, from the call.
 */
export function encodePcap(
  source: PacketSource,
  options: PcapOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  checkArgument("encodePcap", "source", source, aSource);
  checkOptions("encodePcap", options, PCAP_OPTIONS);
  return encodeSource(source, createPcapEncoder(options));
}

/**
 * @param isNew Whether to write a new recording (version 2.4, zone 0) instead of reproducing the header that was read.
 */
export function createPcapEncoder(options: PcapOptions = {}, isNew = false): CaptureEncoder {
  let linkType = 0;
  let resolution: Resolution = "us";
  let swapLengths = false;
  let scratch = new Uint8Array(0);

  return {
    hasSideBlocks: false,
    begin: (first) => {
      linkType = first.linkType;
      resolution = options.resolution ?? first.resolution;
      const {
        versionMajor = 2,
        versionMinor = PCAP_CURRENT_MINOR,
        thisZone = 0,
        sigFigs = 0,
      } = (isNew ? undefined : first.pcapHeader) ?? {};
      swapLengths = versionMinor <= PCAP_LAST_SWAPPED_MINOR;
      const header = new Uint8Array(PCAP_HEADER_LENGTH);
      const view = new DataView(header.buffer);
      view.setUint32(0, resolution === "us" ? PCAP_MAGIC_US : PCAP_MAGIC_NS, true);
      view.setUint16(PCAP_VERSION_MAJOR, versionMajor, true);
      view.setUint16(PCAP_VERSION_MINOR, versionMinor, true);
      view.setInt32(PCAP_THIS_ZONE, thisZone, true);
      view.setUint32(PCAP_SIG_FIGS, sigFigs, true);
      view.setUint32(PCAP_SNAP_LENGTH, options.snapLength ?? first.snapLength, true);
      view.setUint32(PCAP_LINK_TYPE, first.pcapHeader?.linkTypeWord ?? linkType & PCAP_LINK_TYPE_BITS, true);
      return header;
    },
    encode: (batch) => {
      checkFits(batch, linkType);
      if (batch.format.resolution === resolution && !swapLengths) return batch.records;
      if (scratch.length < batch.records.length) scratch = new Uint8Array(batch.records.length);
      scratch.set(batch.records);
      convert(scratch, batch, resolution, swapLengths);
      return scratch.subarray(0, batch.records.length);
    },
    end: () => new Uint8Array(0),
    pendingBytes: () => 0,
    packetBytes: (batch, index) => recordEnd(batch, index) - batch.offsets[index]!,
    wholeRecords: (chunk, length) => {
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const capturedAt = swapLengths ? RECORD_ORIGINAL_LENGTH : RECORD_CAPTURED_LENGTH;
      let end = 0;
      while (end + RECORD_HEADER_LENGTH <= length) {
        const next = end + RECORD_HEADER_LENGTH + view.getUint32(end + capturedAt, true);
        if (next > length) break;
        end = next;
      }
      return end;
    },
  };
}

function checkFits(batch: PacketBatch, linkType: number): void {
  if (batch.format.linkType !== linkType) {
    throw new FlowscribeError(
      "mixed_link_types",
      `a pcap file has one link type, here ${linkTypeName(linkType)}; it cannot contain packets of ` +
        `${linkTypeName(batch.format.linkType)}: write pcapng, or read only one interface`,
    );
  }
  if ((batch.eraSeconds ?? 0) !== 0) throw outOfRange();
}

function outOfRange(): FlowscribeError {
  return new FlowscribeError("time_out_of_range", "a pcap file holds times from 1970 to 2106: write pcapng");
}

/** Converts times to the unit of the file and lengths to the order of old versions, in place. */
function convert(
  records: Uint8Array,
  batch: PacketBatch,
  resolution: Resolution,
  swapLengths: boolean,
): void {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const convertTimes = batch.format.resolution !== resolution;
  for (let index = 0; index < batch.length; index++) {
    const at = batch.offsets[index]!;
    if (convertTimes && !convertRecordTime(view, at, resolution)) throw outOfRange();
    if (swapLengths) {
      const captured = view.getUint32(at + RECORD_CAPTURED_LENGTH, true);
      view.setUint32(at + RECORD_CAPTURED_LENGTH, view.getUint32(at + RECORD_ORIGINAL_LENGTH, true), true);
      view.setUint32(at + RECORD_ORIGINAL_LENGTH, captured, true);
    }
  }
}
