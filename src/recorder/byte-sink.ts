import type { Resolution } from "../packet/batch.js";
import { createRecordingWriter } from "../pcap/load-writer.js";
import { ChunkQueue } from "./chunk-queue.js";
import type { OpenSink } from "./sink.js";

/** A sink that encodes a recording as a pcap stream. Writes wait while more than `queueBytes` are unread. */
export interface ByteSink {
  readonly open: OpenSink;
  /** Can be iterated only once. Ending the iteration early calls `onLeave` and discards the remaining bytes. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Ends the iteration after all queued chunks have been read. */
  readonly end: () => void;
  /** Makes the iteration throw after all queued chunks have been read. */
  readonly fail: (error: unknown) => void;
}

export function createByteSink(
  { queueBytes, resolution }: { queueBytes: number; resolution: Resolution },
  onLeave: () => void,
): ByteSink {
  const queue = new ChunkQueue(queueBytes, onLeave);

  const open: OpenSink = async ({ interfaces, snapLength }) => {
    const writer = createRecordingWriter({ resolution, snapLength, interfaces });
    // Not awaited, as for the header of a recording without packets: the reader may start after the recording.
    void queue.push(writer.begin());
    return {
      write: (batch) => queue.push(writer.encode(batch)),
      close: async (stats) => {
        void queue.push(writer.end(stats));
        return {};
      },
      abort: async () => {},
    };
  };

  return {
    open,
    bytes: queue.chunks,
    end: () => queue.complete(),
    fail: (error) => queue.complete({ error }),
  };
}
