import { capturedBytes, copyBatch, type PacketBatch, recordEnd } from "../packet/batch.js";
import { partsBytes } from "../packet/side-blocks.js";
import type { PacketSink } from "./sink.js";

/** Passes packets from the recording loop to the sink. */
export interface SinkQueue {
  /** How many packets from the start of a batch fit now; the rest is lost. */
  capacity(batch: PacketBatch): number;
  /** Passes on a batch. The batch is only valid until the call returns or its promise settles. */
  push(batch: PacketBatch): void | Promise<void>;
  /** Resolves when the sink has written every batch. Rejects if a write fails. */
  drain(): Promise<void>;
  /**
   * Ends the queue of a recording that fails. Returns the packets that the sink has not written; they are lost.
   * Afterwards no further batch is written or counted. The result of a pending write is ignored.
   */
  discard(): { packets: number; bytes: number };
}

/** Called when the sink has written a batch. */
export type OnWritten = (packets: number, bytes: number) => void;

/**
 * The recording loop waits for the sink. No packet is lost here; a live source drops and counts what exceeds its own
 * buffer.
 */
export function createDirectQueue(sink: PacketSink, onWritten: OnWritten): SinkQueue {
  let packets = 0;
  let bytes = 0;
  let isDiscarded = false;

  function finishWrite(): void {
    if (isDiscarded) return;
    onWritten(packets, bytes);
    packets = 0;
    bytes = 0;
  }

  return {
    capacity: (batch) => batch.length,
    push: (batch) => {
      packets = batch.length;
      bytes = capturedBytes(batch);
      const written = sink.write(batch);
      return written === undefined ? finishWrite() : written.then(finishWrite);
    },
    drain: () => Promise.resolve(),
    discard: () => {
      isDiscarded = true;
      return { packets, bytes };
    },
  };
}

/**
 * The recording loop does not wait for the sink. Batches are copied into a queue of at most `queueBytes` (record
 * headers included); packets that do not fit are lost. `onFailure` is called when a write fails.
 */
export function createDroppingQueue(
  sink: PacketSink,
  queueBytes: number,
  onWritten: OnWritten,
  onFailure: (error: unknown) => void,
): SinkQueue {
  const queue: PacketBatch[] = [];
  let queuedBytes = 0;
  let queuedPackets = 0;
  let queuedCaptured = 0;
  let writing: Promise<void> | undefined;
  let isDiscarded = false;

  async function writeAll(): Promise<void> {
    for (let batch = queue[0]; batch !== undefined; batch = queue[0]) {
      await sink.write(batch);
      if (isDiscarded) return;
      queue.shift();
      const bytes = capturedBytes(batch);
      queuedBytes -= bytesOf(batch);
      queuedPackets -= batch.length;
      queuedCaptured -= bytes;
      onWritten(batch.length, bytes);
    }
    writing = undefined;
  }

  return {
    capacity: (batch) => {
      const free = queueBytes - queuedBytes - partsBytes(batch);
      if (batch.records.length <= free) return batch.length;
      let length = 0;
      while (length < batch.length && recordEnd(batch, length) <= free) length++;
      return length;
    },
    push: (batch) => {
      // Like packets, side blocks that do not fit are lost.
      if (batch.length === 0 && queuedBytes + bytesOf(batch) > queueBytes) return Promise.resolve();
      queue.push(copyBatch(batch));
      queuedBytes += bytesOf(batch);
      queuedPackets += batch.length;
      queuedCaptured += capturedBytes(batch);
      if (writing === undefined) {
        writing = writeAll();
        writing.catch(onFailure);
      }
      // Yield to the sink after each batch. If the source never waits, the sink could not write and the queue would
      // overflow.
      return Promise.resolve();
    },
    drain: async () => {
      await writing;
    },
    discard: () => {
      isDiscarded = true;
      return { packets: queuedPackets, bytes: queuedCaptured };
    },
  };
}

/** The memory of a queued batch. */
function bytesOf(batch: PacketBatch): number {
  return batch.records.length + partsBytes(batch);
}
