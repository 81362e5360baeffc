import type { Clock } from "../../async/clock.js";
import type { Messages } from "../io/messages.js";
import type { Input } from "./open.js";

/** Progress is shown only after this many milliseconds. */
const PATIENCE_MS = 700;
const INTERVAL_MS = 100;
const BAR_LENGTH = 20;

/** Passes an input through, and shows progress on a terminal if reading takes long. */
export async function* withProgress(
  { name, file }: Pick<Input, "name"> & { readonly file?: { readonly sizeBytes: number } | undefined },
  chunks: AsyncIterable<Uint8Array>,
  messages: Messages,
  clock: Clock,
): AsyncGenerator<Uint8Array, void, undefined> {
  const start = clock.now();
  let nextMs = start + PATIENCE_MS;
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      yield chunk;
      bytes += chunk.length;
      const now = clock.now();
      if (now < nextMs) continue;
      nextMs = now + INTERVAL_MS;
      messages.status(formatProgress(name, bytes, file?.sizeBytes, now - start));
    }
  } finally {
    messages.clearStatus();
  }
}

function formatProgress(name: string, bytes: number, sizeBytes: number | undefined, ms: number): string {
  const read = `${megabytes(bytes)} MB`;
  const speed = `${megabytes((bytes / ms) * 1000)} MB/s`;
  if (sizeBytes === undefined || sizeBytes === 0) return `${name}: ${read}, ${speed}`;
  const part = Math.min(bytes / sizeBytes, 1);
  const filled = Math.floor(part * BAR_LENGTH);
  const bar = `[${"#".repeat(filled)}${".".repeat(BAR_LENGTH - filled)}]`;
  return `${bar} ${Math.floor(part * 100)}% of ${megabytes(sizeBytes)} MB, ${speed}  ${name}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
