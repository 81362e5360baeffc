import type { Clock } from "../../async/clock.js";
import type { Messages } from "../io/messages.js";
import type { Input } from "./open.js";

/** Progress is shown only after this many milliseconds. */
const PATIENCE_MS = 700;
const INTERVAL_MS = 100;
const BAR_LENGTH = 20;

/** The progress of an input, which appears on a terminal if reading takes long. */
export interface Progress {
  /** Called with the bytes that have been processed. */
  show(bytes: number): void;
  clear(): void;
}

/** @param sizeBytes Undefined if it is not known. */
export function createProgress(
  name: string,
  sizeBytes: number | undefined,
  messages: Messages,
  clock: Clock,
): Progress {
  const start = clock.now();
  let nextMs = start + PATIENCE_MS;
  return {
    show(bytes) {
      const now = clock.now();
      if (bytes === 0 || now < nextMs) return;
      nextMs = now + INTERVAL_MS;
      messages.status(formatProgress(name, bytes, sizeBytes, now - start));
    },
    clear: () => messages.clearStatus(),
  };
}

/** The same input, which shows its progress. */
export function withProgress(input: Input, messages: Messages, clock: Clock): Input {
  const { name, file } = input;
  const progress = createProgress(name, file?.sizeBytes, messages, clock);
  let bytes = 0;
  return {
    name,
    file,
    readInto: async (buffer) => {
      progress.show(bytes);
      const length = await input.readInto(buffer);
      bytes += length;
      if (length === 0) progress.clear();
      return length;
    },
    close: async () => {
      progress.clear();
      await input.close();
    },
  };
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
