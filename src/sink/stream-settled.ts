import type { Writable } from "node:stream";

const EVENTS = ["drain", "error", "close"] as const;

/** Resolves when a full stream takes more, or never will: its errors are told elsewhere. */
export function streamSettled(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      for (const event of EVENTS) stream.off(event, settle);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, settle);
  });
}
