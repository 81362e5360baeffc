import type { Writable } from "node:stream";
import { type LineOutput, outputFailed } from "./export-output.js";

/** Lines to a stream, which is not ended; `write` waits while the stream is full. */
export function streamOutput(stream: Writable): LineOutput {
  let failure: { readonly error: unknown } | undefined;
  let bytes = 0;
  const fail = (error: unknown) => {
    failure ??= { error };
  };
  const failClosed = () => fail(new Error("the stream was closed"));
  stream.on("error", fail);
  stream.on("close", failClosed);

  function check(): void {
    if (failure !== undefined) throw outputFailed("write to the stream", failure.error);
  }

  /** Resolves when the stream takes more, or never will. */
  async function drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const settle = () => {
        for (const event of EVENTS) stream.off(event, settle);
        resolve();
      };
      for (const event of EVENTS) stream.on(event, settle);
    });
    check();
  }

  return {
    lostLines: 0,
    rotations: 0,
    get bytes() {
      return bytes;
    },
    write: (line) => {
      check();
      const text = `${line}\n`;
      bytes += Buffer.byteLength(text);
      return stream.write(text) ? undefined : drained();
    },
    close: async () => {
      if (failure === undefined && !stream.destroyed) {
        await new Promise<void>((resolve) => stream.write("", () => resolve()));
      }
      stream.off("error", fail);
      stream.off("close", failClosed);
      check();
    },
  };
}

const EVENTS = ["drain", "error", "close"] as const;
