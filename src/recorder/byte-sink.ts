import { BoundedQueue } from "../async/bounded-queue.js";
import { FlowscribeError } from "../errors/errors.js";
import type { Resolution } from "../packet/batch.js";
import { createRecordingWriter } from "../pcap/load-writer.js";
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
  const queue = new BoundedQueue<Uint8Array>(queueBytes, (chunk) => chunk.length);

  /** Queues a copy, as the writer reuses its buffer. */
  const push = (chunk: Uint8Array) => (chunk.length === 0 ? undefined : queue.push(chunk.slice()));

  const open: OpenSink = async ({ interfaces, snapLength }) => {
    const writer = createRecordingWriter({ resolution, snapLength, interfaces });
    // Not awaited, as for the header of a recording without packets: the reader may start after the recording.
    void push(writer.begin());
    return {
      write: (batch) => push(writer.encode(batch)),
      close: async (stats) => {
        void push(writer.end(stats));
        return {};
      },
      abort: async () => {},
    };
  };

  return {
    open,
    bytes: iterableOnce(queue, onLeave),
    end: () => queue.end(),
    fail: (error) => queue.end({ error }),
  };
}

function iterableOnce(queue: BoundedQueue<Uint8Array>, onLeave: () => void): AsyncIterable<Uint8Array> {
  let isIterated = false;
  return {
    [Symbol.asyncIterator]: () => {
      if (isIterated) {
        throw new FlowscribeError("source_consumed", "the bytes of a recording can be read only once");
      }
      isIterated = true;
      return {
        next: () => queue.next(),
        return: () => {
          const left = queue.return();
          onLeave();
          return left;
        },
      };
    },
  };
}
