import type { Writable } from "node:stream";

const EVENTS = ["drain", "error", "close"] as const;

/**
 * Resolves when a full stream is ready for more, or after an error or close. The caller must listen for errors itself.
 */
export function streamSettled(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      for (const event of EVENTS) stream.off(event, settle);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, settle);
  });
}
