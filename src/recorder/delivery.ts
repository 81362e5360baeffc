import { capturedBytes, copyBatch, type PacketBatch, recordEnd } from "../packet/batch.js";
import type { PacketSink } from "./sink.js";

/** How packets get from the recording's loop to its sink. */
export interface Delivery {
  /** How many of the first packets of a batch can be taken now; the rest is lost. */
  capacity(batch: PacketBatch): number;
  /** Hands on a batch that is lent until the call returns or its promise settles. */
  deliver(batch: PacketBatch): void | Promise<void>;
  /** Settles when everything handed on has been taken by the sink. */
  drain(): Promise<void>;
  /**
   * Gives up, for a recording that fails: returns what has been handed on and not been taken, which is lost. Nothing is
   * written after that, and nothing counted, whatever becomes of the write at hand.
   */
  abandon(): { packets: number; bytes: number };
}

export type OnTaken = (packets: number, bytes: number) => void;

/** The loop waits for the sink: nothing is lost here, and a source that cannot wait drops and counts. */
export function waitingDelivery(sink: PacketSink, onTaken: OnTaken): Delivery {
  let packets = 0;
  let bytes = 0;
  let abandoned = false;

  function taken(): void {
    if (abandoned) return;
    onTaken(packets, bytes);
    packets = 0;
    bytes = 0;
  }

  return {
    capacity: (batch) => batch.length,
    deliver: (batch) => {
      packets = batch.length;
      bytes = capturedBytes(batch);
      const written = sink.write(batch);
      return written === undefined ? taken() : written.then(taken);
    },
    drain: () => Promise.resolve(),
    abandon: () => {
      abandoned = true;
      return { packets, bytes };
    },
  };
}

/**
 * The loop never waits for the sink: batches are copied into a queue of at most `queueBytes` (headers included), and what
 * does not fit is lost. `onFailure` is called when the sink fails while the loop is elsewhere.
 */
export function queueingDelivery(
  sink: PacketSink,
  queueBytes: number,
  onTaken: OnTaken,
  onFailure: (error: unknown) => void,
): Delivery {
  const queue: PacketBatch[] = [];
  let queuedBytes = 0;
  let queuedPackets = 0;
  let queuedCaptured = 0;
  let writing: Promise<void> | undefined;
  let abandoned = false;

  async function writeAll(): Promise<void> {
    for (let batch = queue[0]; batch !== undefined; batch = queue[0]) {
      await sink.write(batch);
      if (abandoned) return;
      queue.shift();
      const bytes = capturedBytes(batch);
      queuedBytes -= batch.records.length;
      queuedPackets -= batch.length;
      queuedCaptured -= bytes;
      onTaken(batch.length, bytes);
    }
    writing = undefined;
  }

  return {
    capacity: (batch) => {
      const free = queueBytes - queuedBytes;
      if (batch.records.length <= free) return batch.length;
      let length = 0;
      while (length < batch.length && recordEnd(batch, length) <= free) length++;
      return length;
    },
    deliver: (batch) => {
      queue.push(copyBatch(batch));
      queuedBytes += batch.records.length;
      queuedPackets += batch.length;
      queuedCaptured += capturedBytes(batch);
      if (writing === undefined) {
        writing = writeAll();
        writing.catch(onFailure);
      }
      // A source that never waits would keep a sink that never waits from writing, and its packets would not fit.
      return Promise.resolve();
    },
    drain: async () => {
      await writing;
    },
    abandon: () => {
      abandoned = true;
      return { packets: queuedPackets, bytes: queuedCaptured };
    },
  };
}
