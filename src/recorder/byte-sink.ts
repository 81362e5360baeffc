import { Serial } from "../async/serial.js";
import { Wakeup } from "../async/wakeup.js";
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
  const chunks: Uint8Array[] = [];
  let unread = 0;
  /** How the recording ended. Set by `end` or `fail`: the sink is closed or aborted before the outcome is known. */
  let outcome: { readonly failure?: { readonly error: unknown } } | undefined;
  let left = false;
  /** Wakes the reader: a chunk was queued, or the iteration ends. */
  const readable = new Wakeup();
  /** Wakes the writer: the queue has free bytes, or the iteration ends. */
  const writable = new Wakeup();

  /** Queues a copy of the chunk. Returns a promise if the reader must catch up first. */
  function push(chunk: Uint8Array): void | Promise<void> {
    if (left || chunk.length === 0) return;
    chunks.push(chunk.slice());
    unread += chunk.length;
    readable.wake();
    if (unread > queueBytes) return writable.wait();
  }

  function settle(how: NonNullable<typeof outcome>): void {
    outcome = how;
    readable.wake();
  }

  async function read(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!left) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        unread -= chunk.length;
        if (unread <= queueBytes) writable.wake();
        return { done: false, value: chunk };
      }
      if (outcome !== undefined) {
        left = true;
        if (outcome.failure !== undefined) throw outcome.failure.error;
      } else {
        await readable.wait();
      }
    }
    return { done: true, value: undefined };
  }

  /** Unlike a generator's `return()`, this neither waits for a pending read nor requires that reading has begun. */
  function leave(): void {
    left = true;
    chunks.length = 0;
    readable.wake();
    writable.wake();
    onLeave();
  }

  const reads = new Serial();
  const reader: AsyncIterator<Uint8Array, undefined> = {
    next: () => reads.run(read),
    return: async () => {
      leave();
      return { done: true, value: undefined };
    },
  };

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
    bytes: readOnce(reader),
    end: () => settle({}),
    fail: (error) => settle({ failure: { error } }),
  };
}

function readOnce(reader: AsyncIterator<Uint8Array, undefined>): AsyncIterable<Uint8Array> {
  let begun = false;
  return {
    [Symbol.asyncIterator]: () => {
      if (begun) {
        throw new FlowscribeError("source_consumed", "the bytes of a recording can be read only once");
      }
      begun = true;
      return reader;
    },
  };
}
