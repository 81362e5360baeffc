import { checkArgument } from "../../errors/check-argument.js";
import { aFunction, anInteger } from "../../errors/value-checks.js";
import {
  checkBatch,
  copyBatch,
  type PacketBatch,
  RECORD_CAPTURED_LENGTH,
  RECORD_HEADER_LENGTH,
  recordEnd,
} from "../batch.js";
import { deriveSource } from "../derive-source.js";
import { partsOfKept } from "../side-blocks.js";
import { aSource, type PacketSource } from "../source.js";
import type { PacketPredicate } from "./filter.js";

/**
 * Selects the matching packets of a batch, in order. Returns the batch itself if all packets match.
 *
 * @param writable Whether the memory of the batch may be overwritten. If so, the selected packets are compacted in
 *   place, which is fastest; otherwise in a copy.
 */
export function selectRecords(batch: PacketBatch, predicate: PacketPredicate, writable = false): PacketBatch {
  checkBatch("selectRecords", batch);
  checkArgument("selectRecords", "predicate", predicate, aFunction);
  const kept = findRecords(batch, predicate);
  if (kept === batch.length) return batch;
  return compact(writable ? batch : copyBatch(batch), kept);
}

/** Creates a source of the matching packets of another. Disposing of it disposes of the other as well. */
export function filterPackets(source: PacketSource, predicate: PacketPredicate): PacketSource {
  checkArgument("filterPackets", "source", source, aSource);
  checkArgument("filterPackets", "predicate", predicate, aFunction);
  return deriveSource(source, { stage: (batch, writable) => selectRecords(batch, predicate, writable) });
}

/** Indices of the selected packets of the current batch; reused for every batch, and only valid during one call. */
let keptIndices = new Uint32Array(0);

/** Writes the indices of the matching packets to {@link keptIndices} and returns their number. */
function findRecords({ records, offsets, length, format }: PacketBatch, predicate: PacketPredicate): number {
  if (keptIndices.length < length) keptIndices = new Uint32Array(length);
  const { linkType } = format;
  let kept = 0;
  for (let index = 0, start = 0; index < length; index++) {
    const end = index + 1 < length ? offsets[index + 1]! : records.length;
    keptIndices[kept] = index;
    if (predicate(records, start + RECORD_HEADER_LENGTH, end, linkType)) kept++;
    start = end;
  }
  return kept;
}

/** Moves the selected packets to the front of the batch, one run of consecutive packets at a time. */
function compact(batch: PacketBatch, kept: number): PacketBatch {
  const { comments: _, pcapng: __, ...rest } = batch;
  const { records, offsets, length } = batch;
  const comments = keptComments(batch, kept);
  const parts = partsOfKept(batch, keptIndices, kept);
  let target = 0;
  for (let next = 0; next < kept; ) {
    let index = keptIndices[next]!;
    const runStart = offsets[index]!;
    do {
      offsets[next++] = target + (offsets[index++]! - runStart);
    } while (next < kept && keptIndices[next] === index);
    const runEnd = index < length ? offsets[index]! : records.length;
    records.copyWithin(target, runStart, runEnd);
    target += runEnd - runStart;
  }
  return { ...rest, length: kept, records: records.subarray(0, target), ...comments, ...parts };
}

function keptComments(batch: PacketBatch, kept: number): Pick<PacketBatch, "comments"> {
  if (batch.comments === undefined) return {};
  const comments = new Map<number, readonly string[]>();
  for (let target = 0; target < kept; target++) {
    const own = batch.comments.get(keptIndices[target]!);
    if (own !== undefined) comments.set(target, own);
  }
  return comments.size > 0 ? { comments } : {};
}

const aLength = anInteger(0);

/**
 * Truncates every packet of a batch to at most `maxLength` captured bytes; keeps the original lengths.
 *
 * @param writable As for {@link selectRecords}.
 */
export function cutRecords(batch: PacketBatch, maxLength: number, writable = false): PacketBatch {
  checkBatch("cutRecords", batch);
  checkArgument("cutRecords", "maxLength", maxLength, aLength);
  if (!hasLonger(batch, maxLength)) return batch;
  const { records, offsets, length, ...rest } = writable ? batch : copyBatch(batch);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let target = 0;
  for (let index = 0, start = 0; index < length; index++) {
    const end = index + 1 < length ? offsets[index + 1]! : records.length;
    const cutEnd = Math.min(end, start + RECORD_HEADER_LENGTH + maxLength);
    view.setUint32(start + RECORD_CAPTURED_LENGTH, cutEnd - start - RECORD_HEADER_LENGTH, true);
    if (target !== start) records.copyWithin(target, start, cutEnd);
    offsets[index] = target;
    target += cutEnd - start;
    start = end;
  }
  return { ...rest, offsets, length, records: records.subarray(0, target) };
}

function hasLonger(batch: PacketBatch, maxLength: number): boolean {
  for (let index = 0; index < batch.length; index++) {
    if (recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH > maxLength) return true;
  }
  return false;
}
