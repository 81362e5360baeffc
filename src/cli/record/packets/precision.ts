import { FlowscribeError } from "../../../errors/errors.js";
import { copyBatch, type PacketBatch } from "../../../packet/batch.js";
import { deriveSource } from "../../../packet/derive-source.js";
import { convertRecordTime, type Resolution } from "../../../packet/record-header.js";
import type { PacketSource } from "../../../packet/source.js";

/**
 * Converts the timestamps of packets to one unit, truncating finer ones. For formats that store the unit per interface.
 * Disposing of the result disposes of its source.
 */
export function withPrecision(source: PacketSource, resolution: Resolution): PacketSource {
  return deriveSource(source, {
    stage: (batch, writable) => convertBatch(batch, resolution, writable),
    describe: (own) => ({ ...own, resolution }),
  });
}

function convertBatch(input: PacketBatch, resolution: Resolution, writable: boolean): PacketBatch {
  if (input.format.resolution === resolution) return input;
  const batch = writable ? input : copyBatch(input);
  const { records, offsets, format } = batch;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let index = 0; index < batch.length; index++) {
    if (convertRecordTime(view, offsets[index]!, resolution)) continue;
    throw new FlowscribeError("time_out_of_range", "the time of a packet is too late");
  }
  return { ...batch, format: { ...format, resolution } };
}
