import type { Writable } from "node:stream";
import { streamSettled } from "../stream-settled.js";
import { type LineOutput, outputFailed } from "./line-output.js";

const LF = 0x0a;

/** Writes lines to a stream, which is not ended. `write` returns a promise if the buffer of the stream is full. */
export function streamOutput(stream: Writable): LineOutput {
  let failure: { readonly error: unknown } | undefined;
  let bytes = 0;
  /** Lines that the stream has not yet confirmed as written. They are lost if the stream fails. */
  let waitingLines = 0;
  let waitingBytes = 0;
  const fail = (error: unknown) => {
    failure ??= { error };
  };
  const failClosed = () => fail(new Error("the stream was closed"));
  stream.on("error", fail);
  stream.on("close", failClosed);

  function check(): void {
    if (failure !== undefined) throw outputFailed("write to the stream", failure.error);
  }

  /** Resolves when the stream is ready for more; rejects if it has failed. */
  async function drained(): Promise<void> {
    await streamSettled(stream);
    check();
  }

  return {
    get lostLines() {
      return failure === undefined ? 0 : waitingLines;
    },
    rotations: 0,
    get bytes() {
      return failure === undefined ? bytes : bytes - waitingBytes;
    },
    write: (line) => {
      check();
      const chunk = typeof line === "string" ? `${line}\n` : withLineFeed(line);
      const length = Buffer.byteLength(chunk);
      bytes += length;
      waitingBytes += length;
      waitingLines++;
      const acceptsMore = stream.write(chunk, (error) => {
        if (error) return;
        waitingBytes -= length;
        waitingLines--;
      });
      return acceptsMore ? undefined : drained();
    },
    close: async () => {
      if (failure === undefined && !stream.destroyed) {
        await new Promise<void>((resolve) => stream.write("", () => resolve()));
      }
      // A failed stream may emit its error only in a later turn, so keep the error listener then.
      if (stream.errored) fail(stream.errored);
      if (stream.destroyed) failClosed();
      if (failure === undefined) stream.off("error", fail);
      stream.off("close", failClosed);
      check();
    },
  };
}

/** A copy, because the stream may keep it. */
function withLineFeed(line: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(line.length + 1);
  bytes.set(line);
  bytes[line.length] = LF;
  return bytes;
}
