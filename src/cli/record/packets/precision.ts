import { FlowscribeError } from "../../../errors/errors.js";
import {
  copyBatch,
  type PacketBatch,
  RECORD_FRACTION,
  RECORD_SECONDS,
  type Resolution,
} from "../../../packet/batch.js";
import { deriveSource } from "../../../packet/derive-source.js";
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
    const at = offsets[index]!;
    const fraction = view.getUint32(at + RECORD_FRACTION, true);
    if (resolution === "us") {
      view.setUint32(at + RECORD_FRACTION, Math.floor(fraction / 1000), true);
      continue;
    }
    // Nonconforming files have fractions of a second or more, which may not fit as nanoseconds: carry them over.
    const carry = Math.floor(fraction / 1_000_000);
    const seconds = view.getUint32(at + RECORD_SECONDS, true) + carry;
    if (seconds > 0xffff_ffff)
      throw new FlowscribeError("time_out_of_range", "the time of a packet is too late");
    view.setUint32(at + RECORD_SECONDS, seconds, true);
    view.setUint32(at + RECORD_FRACTION, (fraction - carry * 1_000_000) * 1000, true);
  }
  return { ...batch, format: { ...format, resolution } };
}
