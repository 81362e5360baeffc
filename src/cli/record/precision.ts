import { FlowscribeError } from "../../errors.js";
import {
  copyBatch,
  type PacketBatch,
  RECORD_FRACTION,
  RECORD_SECONDS,
  type Resolution,
} from "../../packet/batch.js";
import {
  borrowBatches,
  type CaptureInterface,
  createSource,
  type PacketSource,
} from "../../packet/source.js";

/**
 * The same packets with their times in one unit; finer times are truncated. For formats that keep the unit of each
 * interface. Disposing of it disposes of its source.
 */
export function withPrecision(source: PacketSource, resolution: Resolution): PacketSource {
  const { batches, writable } = borrowBatches(source);
  const interfaces: CaptureInterface[] = [];
  let iterator: AsyncIterator<PacketBatch> | undefined;

  /** The source's list may have grown, and its counts may have come. */
  function copyInterfaces(): void {
    source.interfaces.forEach((own, id) => {
      interfaces[id] = { ...own, resolution };
    });
  }
  copyInterfaces();
  let known = interfaces.length;

  async function pull(): Promise<PacketBatch | undefined> {
    iterator ??= batches[Symbol.asyncIterator]();
    const { done, value } = await iterator.next();
    if (done === true || source.interfaces.length > known) {
      copyInterfaces();
      known = interfaces.length;
    }
    return done === true ? undefined : convertBatch(value, resolution, writable);
  }

  return createSource({
    interfaces,
    filtered: source.filtered,
    pull,
    ...(writable && { copy: copyBatch }),
    dropped: () => source.stats().dropped,
    ...(source.stop !== undefined && { stop: () => source.stop?.() }),
    leave: async () => {
      await iterator?.return?.();
    },
    close: async () => {
      await source[Symbol.asyncDispose]();
    },
  });
}

function convertBatch(lent: PacketBatch, resolution: Resolution, writable: boolean): PacketBatch {
  if (lent.format.resolution === resolution) return lent;
  const batch = writable ? lent : copyBatch(lent);
  const { records, offsets, format } = batch;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  for (let index = 0; index < batch.length; index++) {
    const at = offsets[index]!;
    const fraction = view.getUint32(at + RECORD_FRACTION, true);
    if (resolution === "us") {
      view.setUint32(at + RECORD_FRACTION, Math.floor(fraction / 1000), true);
      continue;
    }
    // Odd files have fractions of a second and more, which as nanoseconds might not fit: carry them.
    const carry = Math.floor(fraction / 1_000_000);
    const seconds = view.getUint32(at + RECORD_SECONDS, true) + carry;
    if (seconds > 0xffff_ffff)
      throw new FlowscribeError("time_out_of_range", "the time of a packet is too late");
    view.setUint32(at + RECORD_SECONDS, seconds, true);
    view.setUint32(at + RECORD_FRACTION, (fraction - carry * 1_000_000) * 1000, true);
  }
  return { ...batch, format: { ...format, resolution } };
}
