import type { Writable } from "node:stream";
import { type Clock, systemClock } from "../async/clock.js";
import { codeOf } from "../errors/message.js";
import { streamSettled } from "../sink/stream-settled.js";
import { BrokenPipe, type OutputStream, UnreadOutput } from "./io.js";
import { watchPeer } from "./output-closed.js";

/** What a stream of Node may be besides. */
interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Its descriptor. */
  readonly fd?: number;
}

/** How long an output may take nothing after the program was asked to end. */
export const STALL_TIMEOUT_MS = 3000;

/** When the program was asked to end, so that an output that nobody reads does not keep it. */
export interface OutputStreamOptions {
  readonly signal?: AbortSignal;
  readonly clock?: Pick<Clock, "setTimer">;
}

/**
 * A stream of Node as an output. Its errors come out of `write` and `flush`; the stream is never ended. When `signal` is aborted and
 * the stream then takes nothing for {@link STALL_TIMEOUT_MS}, these fail with {@link UnreadOutput}.
 */
export function outputStream(
  stream: Writable & MaybeTerminal,
  { signal, clock = systemClock }: OutputStreamOptions = {},
): OutputStream {
  let failure: Error | undefined;
  stream.on("error", (error: Error) => {
    failure ??= isBrokenPipe(error, stream)
      ? new BrokenPipe("nobody reads the output", { cause: error })
      : error;
  });

  function check(): void {
    if (failure !== undefined) throw failure;
  }

  /** Waits for the stream, but not for ever once the program was asked to end. */
  async function waitFor(settling: Promise<void>): Promise<void> {
    let cancelTimer = () => {};
    let onAbort = () => {};
    const stalled = new Promise<void>((resolve) => {
      onAbort = () => {
        const lengthBefore = stream.writableLength;
        cancelTimer = clock.setTimer(STALL_TIMEOUT_MS, () => {
          if (stream.writableLength < lengthBefore) return onAbort();
          failure ??= new UnreadOutput("the output is not read: the rest of it was not written");
          resolve();
        });
      };
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
    try {
      await Promise.race([settling, stalled]);
    } finally {
      cancelTimer();
      signal?.removeEventListener("abort", onAbort);
    }
    check();
  }

  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    write(chunk) {
      check();
      return stream.write(chunk) ? undefined : waitFor(streamSettled(stream));
    },
    watch: (onClosed) => (stream.fd === undefined ? () => {} : watchPeer(stream.fd, onClosed)),
    async flush() {
      check();
      // The callback comes after those of all writes before, and in a turn of its own after an error.
      await waitFor(new Promise<void>((resolve) => stream.write("", () => setImmediate(resolve))));
    },
  };
}

function isBrokenPipe(error: Error, { isTTY }: MaybeTerminal): boolean {
  const code = codeOf(error);
  // A terminal that was closed fails with EIO.
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || (isTTY === true && code === "EIO");
}
