import type { Writable } from "node:stream";
import { onAbort } from "../../async/abort.js";
import { type Clock, systemClock } from "../../async/clock.js";
import { codeOf } from "../../errors/message.js";
import { streamSettled } from "../../sink/stream-settled.js";
import { BrokenPipe, type OutputStream, UnreadOutput } from "./io.js";
import { watchPeer } from "./output-closed.js";

/** Properties that a Node stream may also have. */
interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  /** File descriptor. */
  readonly fd?: number;
}

/** How long an output may make no progress while the program is ending, in milliseconds. */
export const STALL_TIMEOUT_MS = 3000;

/** When the program is ending, so that an output that is not read does not block it. */
export interface OutputStreamOptions {
  readonly signal?: AbortSignal;
  readonly clock?: Pick<Clock, "setTimer">;
}

/**
 * Wraps a Node stream as an output. Its errors are reported by `write` and `flush`; the stream is never ended. If
 * `signal` is aborted and the stream then makes no progress for {@link STALL_TIMEOUT_MS}, these fail with
 * {@link UnreadOutput}.
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

  /** Waits for the stream; with a timeout once the program is ending. */
  async function waitFor(settling: Promise<void>): Promise<void> {
    let cancelTimer = () => {};
    let removeListener = () => {};
    const stalled = new Promise<void>((resolve) => {
      function limitStall(): void {
        const lengthBefore = stream.writableLength;
        cancelTimer = clock.setTimer(STALL_TIMEOUT_MS, () => {
          if (stream.writableLength < lengthBefore) return limitStall();
          failure ??= new UnreadOutput("the output is not being read; the rest was not written");
          resolve();
        });
      }
      removeListener = onAbort(signal, limitStall);
    });
    try {
      await Promise.race([settling, stalled]);
    } finally {
      cancelTimer();
      removeListener();
    }
    check();
  }

  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
    write(chunk) {
      check();
      return stream.write(chunk) ? undefined : waitFor(streamSettled(stream));
    },
    watch: (onClosed) => (stream.fd === undefined ? () => {} : watchPeer(stream.fd, onClosed)),
    async flush() {
      check();
      // The callback runs after those of all previous writes; `setImmediate` lets an error event come first.
      await waitFor(new Promise<void>((resolve) => stream.write("", () => setImmediate(resolve))));
    },
  };
}

function isBrokenPipe(error: Error, { isTTY }: MaybeTerminal): boolean {
  const code = codeOf(error);
  // On a closed terminal, writes fail with EIO.
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || (isTTY === true && code === "EIO");
}
