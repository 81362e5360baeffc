import { copyBytes } from "../../bytes/copy-bytes.js";
import { uint32At } from "../../bytes/little-endian.js";
import { FlowscribeError } from "../../errors/errors.js";
import { type PacketBatch, recordEnd } from "../../packet/batch.js";
import {
  RECORD_FRACTION,
  RECORD_HEADER_LENGTH,
  RECORD_SECONDS,
  readOriginalLength,
} from "../../packet/record-header.js";
import type { CaptureInterface } from "../../packet/source.js";
import { type BlockWriter, stringBytes } from "./block-writer.js";
import {
  BLOCK_TRAILER,
  ENHANCED_PACKET,
  EPB,
  OPT_COMMENT,
  OPTION_HEADER_LENGTH,
  padded,
  SIMPLE_PACKET,
  SPB,
} from "./format.js";
import { writeTime } from "./time.js";

/** A simple packet block has neither interface nor captured length: both follow from the first interface. */
export function isSimple(batch: PacketBatch, index: number, described: readonly CaptureInterface[]): boolean {
  if (batch.format.interfaceId !== 0 || hasOptions(batch, index)) return false;
  const captured = recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
  const original = readOriginalLength(batch.records, batch.offsets[index]!);
  const snapLength = described[0]?.snapLength ?? 0;
  return captured === (snapLength === 0 ? original : Math.min(original, snapLength));
}

function hasOptions({ comments, pcapng }: PacketBatch, index: number): boolean {
  return comments?.has(index) === true || pcapng?.options?.has(index) === true;
}

/** Writes a packet as a simple packet block. */
export function writeSimple(writer: BlockWriter, batch: PacketBatch, index: number): void {
  const { records, offsets } = batch;
  const header = offsets[index]!;
  const at = writer.openBlock(SIMPLE_PACKET, SPB.data);
  writer.view.setUint32(at + SPB.original, readOriginalLength(records, header), true);
  writeData(writer, records, header + RECORD_HEADER_LENGTH, recordEnd(batch, index));
  writer.closeBlock(at);
}

/**
 * Writes a packet as an enhanced packet block.
 *
 * @param offsetSeconds Time offset of the interface.
 */
export function writeEnhanced(
  writer: BlockWriter,
  batch: PacketBatch,
  index: number,
  offsetSeconds: number,
): void {
  const { records, offsets, format, comments, pcapng } = batch;
  const header = offsets[index]!;
  const start = header + RECORD_HEADER_LENGTH;
  const end = recordEnd(batch, index);
  const at = writer.openBlock(ENHANCED_PACKET, EPB.data);
  const { view } = writer;
  view.setUint32(at + EPB.interfaceId, format.interfaceId, true);
  const fits = writeTime(
    view,
    at + EPB.timeHigh,
    format.resolution,
    batch.eraSeconds ?? 0,
    uint32At(records, header + RECORD_SECONDS),
    uint32At(records, header + RECORD_FRACTION),
    batch.untimed === true ? Math.min(offsetSeconds, 0) : offsetSeconds,
  );
  if (!fits) {
    throw new FlowscribeError(
      "time_out_of_range",
      "the time of a packet is outside of what pcapng can hold from the time offset of its interface on",
    );
  }
  view.setUint32(at + EPB.captured, end - start, true);
  view.setUint32(at + EPB.original, readOriginalLength(records, header), true);
  writeData(writer, records, start, end);
  const own = comments?.get(index);
  const others = pcapng?.options?.get(index);
  if (own !== undefined) {
    for (const comment of own) writer.addString(OPT_COMMENT, comment);
  }
  if (others !== undefined) writer.addBytes(others);
  if (own !== undefined || others !== undefined) writer.endOptions();
  writer.closeBlock(at);
}

/** Maximum length in bytes of an enhanced packet block; a simple packet block is shorter. */
export function enhancedBytes(batch: PacketBatch, index: number): number {
  const captured = recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
  let length = EPB.data + padded(captured) + BLOCK_TRAILER;
  if (!hasOptions(batch, index)) return length;
  length += batch.pcapng?.options?.get(index)?.length ?? 0;
  for (const comment of batch.comments?.get(index) ?? []) {
    length += OPTION_HEADER_LENGTH + padded(stringBytes(comment));
  }
  return length + OPTION_HEADER_LENGTH;
}

/** Writes the captured bytes and their padding. */
function writeData(writer: BlockWriter, records: Uint8Array, start: number, end: number): void {
  const length = end - start;
  const paddedLength = padded(length);
  const target = writer.reserve(paddedLength);
  const { bytes } = writer;
  copyBytes(bytes, target, records, start, end);
  for (let at = target + length; at < target + paddedLength; at++) bytes[at] = 0;
}
