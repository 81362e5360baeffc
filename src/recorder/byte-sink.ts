import type { Resolution } from "../packet/batch.js";
import { type CaptureEncoder, interfaceOf, settledInterface } from "../pcap/encoder.js";
import { createPcapEncoder } from "../pcap/pcap-encode.js";
import type { OpenSink } from "./sink.js";

/** A recording's pcap as chunks, for a reader of its own pace; the sink waits while `queueBytes` are unread. */
export interface ByteSink {
  readonly open: OpenSink;
  /** Can be read once. Leaving early calls `onLeave`, and what comes after is thrown away. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Makes the reader's iteration throw, after what is still unread. */
  fail(error: unknown): void;
}

export function createByteSink(
  { queueBytes, resolution }: { queueBytes: number; resolution: Resolution },
  onLeave: () => void,
): ByteSink {
  const chunks: Uint8Array[] = [];
  let unread = 0;
  let state: "open" | "ended" | "left" = "open";
  let failure: { error: unknown } | undefined;
  let wakeReader: (() => void) | undefined;
  let wakeWriter: (() => void) | undefined;

  /** Queues a copy; a promise when the reader has to catch up first. */
  function push(chunk: Uint8Array): void | Promise<void> {
    if (state !== "open" || chunk.length === 0) return;
    chunks.push(chunk.slice());
    unread += chunk.length;
    wakeReader?.();
    if (unread > queueBytes) return new Promise<void>((resolve) => (wakeWriter = resolve));
  }

  function end(): void {
    if (state === "open") state = "ended";
    wakeReader?.();
  }

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk !== undefined) {
          unread -= chunk.length;
          if (unread <= queueBytes) wakeWriter?.();
          yield chunk;
        } else if (failure !== undefined) {
          throw failure.error;
        } else if (state === "ended") {
          return;
        } else {
          await new Promise<void>((resolve) => (wakeReader = resolve));
        }
      }
    } finally {
      const early = state === "open";
      state = "left";
      chunks.length = 0;
      wakeWriter?.();
      if (early && failure === undefined) onLeave();
    }
  }

  const open: OpenSink = async ({ interfaces, snapLength }) => {
    const encoder: CaptureEncoder = createPcapEncoder({ resolution, snapLength });
    const settled = settledInterface(interfaces);
    let begun = settled !== undefined;
    if (settled !== undefined) await push(encoder.begin(settled));
    return {
      write: (batch) => {
        if (!begun) void push(encoder.begin(interfaceOf(interfaces, batch.format)));
        begun = true;
        return push(encoder.encode(batch));
      },
      close: async () => {
        if (!begun) await push(encoder.begin(interfaceOf(interfaces, undefined)));
        end();
        return {};
      },
      abort: async () => end(),
    };
  };

  const bytes = read();
  return {
    open,
    bytes,
    fail: (error) => {
      failure = { error };
      wakeReader?.();
    },
  };
}
