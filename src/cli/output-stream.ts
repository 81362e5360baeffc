import type { Writable } from "node:stream";
import { codeOf } from "../error-message.js";
import { streamSettled } from "../sink/stream-settled.js";
import { BrokenPipe, type OutputStream } from "./io.js";
import { watchPeer } from "./output-closed.js";

/** What a stream of Node may be besides. */
interface MaybeTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** Its descriptor. */
  readonly fd?: number;
}

/** A stream of Node as an output. Its errors come out of `write` and `flush`; the stream is never ended. */
export function outputStream(stream: Writable & MaybeTerminal): OutputStream {
  let failure: Error | undefined;
  stream.on("error", (error: Error) => {
    failure ??= isBrokenPipe(error, stream)
      ? new BrokenPipe("nobody reads the output", { cause: error })
      : error;
  });

  function check(): void {
    if (failure !== undefined) throw failure;
  }

  async function settled(): Promise<void> {
    await streamSettled(stream);
    check();
  }

  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    write(chunk) {
      check();
      return stream.write(chunk) ? undefined : settled();
    },
    watch: (onClosed) => (stream.fd === undefined ? () => {} : watchPeer(stream.fd, onClosed)),
    async flush() {
      check();
      // The callback comes after those of all writes before, and in a turn of its own after an error.
      await new Promise<void>((resolve) => stream.write("", () => setImmediate(resolve)));
      check();
    },
  };
}

function isBrokenPipe(error: Error, { isTTY }: MaybeTerminal): boolean {
  const code = codeOf(error);
  // A terminal that was closed fails with EIO.
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || (isTTY === true && code === "EIO");
}
