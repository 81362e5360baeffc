import { CHUNK_BYTES } from "../../bytes/byte-input.js";
import { CaptureError } from "../../errors/errors.js";
import type { PacketBatch, PacketFormat } from "../../packet/batch.js";
import { maxCapturedLength } from "../../packet/link-type.js";
import {
  RECORD_CAPTURED_LENGTH,
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_ORIGINAL_LENGTH,
  RECORD_SECONDS,
  type Resolution,
  writeRecordHeader,
} from "../../packet/record-header.js";
import type { CaptureInterface } from "../../packet/source.js";
import { type CaptureDecoder, noWarnings } from "../decoder.js";
import type { InputBuffer } from "../input-buffer.js";
import {
  PCAP_AMBIGUOUS_MINOR,
  PCAP_CURRENT_MINOR,
  PCAP_HEADER_LENGTH,
  PCAP_LAST_SWAPPED_MINOR,
  PCAP_LINK_TYPE,
  PCAP_LINK_TYPE_BITS,
  PCAP_RESERVED_BITS,
  PCAP_SIG_FIGS,
  PCAP_SNAP_LENGTH,
  PCAP_THIS_ZONE,
  PCAP_VERSION_MAJOR,
  PCAP_VERSION_MINOR,
} from "./format.js";

/**
 * Decodes pcap, versions 2.0 to 2.4. The buffer must contain at least the file header. Records are returned in place,
 * without copying; big-endian record headers are converted to little endian first.
 *
 * Captured lengths above the snap length or the original length are accepted, as in libpcap, and counted; only those
 * above `maxCapturedLength` of the link type are errors. (libpcap truncates such packets to the snap length; here they
 * stay complete, so that the file can be written back.)
 */
export function createPcapDecoder(
  input: InputBuffer,
  { littleEndian, resolution }: { littleEndian: boolean; resolution: Resolution },
): CaptureDecoder {
  const captureInterface = readHeader(input, littleEndian, resolution);
  const { linkType, snapLength } = captureInterface;
  const format: PacketFormat = { linkType, resolution, snapLength, interfaceId: 0 };
  const { versionMinor } = captureInterface.pcapHeader;
  const maxCaptured = maxCapturedLength(linkType);
  const snapLimit = snapLength === 0 ? Number.POSITIVE_INFINITY : snapLength;
  const rewrite = !littleEndian || versionMinor <= PCAP_AMBIGUOUS_MINOR;
  const offsets = new Uint32Array(CHUNK_BYTES / RECORD_HEADER_LENGTH);
  const warnings = noWarnings();
  input.start += PCAP_HEADER_LENGTH;

  function next(): PacketBatch | undefined {
    const { view, start, end } = input;
    let at = start;
    let length = 0;
    while (length < offsets.length && at + RECORD_HEADER_LENGTH <= end) {
      let captured = view.getUint32(at + RECORD_CAPTURED_LENGTH, littleEndian);
      let original = view.getUint32(at + RECORD_ORIGINAL_LENGTH, littleEndian);
      if (rewrite && lengthsSwapped(versionMinor, captured, original))
        [captured, original] = [original, captured];
      if (captured > maxCaptured) {
        if (length > 0) break;
        throw new CaptureError(
          "malformed_capture",
          input.position,
          `captured length ${captured} is above ${maxCaptured}, the most for this link type`,
        );
      }
      const recordEnd = at + RECORD_HEADER_LENGTH + captured;
      if (recordEnd > end) break;
      if (captured > snapLimit) warnings.aboveSnapLength++;
      if (captured > original) warnings.aboveOriginalLength++;
      if (rewrite) rewriteHeader(view, at, littleEndian, captured, original);
      offsets[length++] = at - start;
      at = recordEnd;
    }
    if (length === 0) return undefined;
    input.start = at;
    return { format, length, records: input.bytes.subarray(start, at), offsets };
  }

  function finish(): void {
    if (input.available > 0) {
      throw new CaptureError("truncated_capture", input.position, "the capture ends inside a packet");
    }
  }

  return {
    fileFormat: "pcap",
    interfaces: [captureInterface],
    warnings,
    dropped: 0,
    begin: () => true,
    next,
    finish,
  };
}

function readHeader(
  input: InputBuffer,
  littleEndian: boolean,
  resolution: Resolution,
): CaptureInterface & Required<Pick<CaptureInterface, "pcapHeader">> {
  const { view, start } = input;
  const versionMajor = view.getUint16(start + PCAP_VERSION_MAJOR, littleEndian);
  const versionMinor = view.getUint16(start + PCAP_VERSION_MINOR, littleEndian);
  if (versionMajor !== 2 || versionMinor > PCAP_CURRENT_MINOR) {
    throw new CaptureError(
      "unsupported_capture",
      input.position + PCAP_VERSION_MAJOR,
      `pcap version ${versionMajor}.${versionMinor} is not supported, only 2.0 to 2.${PCAP_CURRENT_MINOR}`,
    );
  }
  const linkTypeWord = view.getUint32(start + PCAP_LINK_TYPE, littleEndian);
  if ((linkTypeWord & PCAP_RESERVED_BITS) !== 0) {
    throw new CaptureError(
      "unsupported_capture",
      input.position + PCAP_LINK_TYPE,
      `reserved bits are set in the link type (0x${linkTypeWord.toString(16)})`,
    );
  }
  return {
    linkType: linkTypeWord & PCAP_LINK_TYPE_BITS,
    resolution,
    snapLength: view.getUint32(start + PCAP_SNAP_LENGTH, littleEndian),
    pcapHeader: {
      versionMajor,
      versionMinor,
      thisZone: view.getInt32(start + PCAP_THIS_ZONE, littleEndian),
      sigFigs: view.getUint32(start + PCAP_SIG_FIGS, littleEndian),
      linkTypeWord,
    },
  };
}

function lengthsSwapped(versionMinor: number, first: number, second: number): boolean {
  return versionMinor <= PCAP_LAST_SWAPPED_MINOR || (versionMinor === PCAP_AMBIGUOUS_MINOR && first > second);
}

/** Converts a record header in place; called once per record, when the record is complete. */
function rewriteHeader(
  view: DataView,
  at: number,
  littleEndian: boolean,
  captured: number,
  original: number,
): void {
  const seconds = view.getUint32(at + RECORD_SECONDS, littleEndian);
  const fraction = view.getUint32(at + RECORD_FRACTION, littleEndian);
  writeRecordHeader(view, at, seconds, fraction, captured, original);
}
