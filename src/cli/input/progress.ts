import type { Clock } from "../../async/clock.js";
import type { Messages } from "../io/messages.js";
import type { Input } from "./open.js";

/** Progress is shown only after this many milliseconds. */
const PATIENCE_MS = 700;
const INTERVAL_MS = 100;
const BAR_LENGTH = 20;

/** The same input, which shows progress on a terminal if reading takes long. */
export function withProgress(input: Input, messages: Messages, clock: Clock): Input {
  const { name, file } = input;
  const start = clock.now();
  let nextMs = start + PATIENCE_MS;
  let bytes = 0;

  /** Called when the bytes that were read have been processed. */
  function show(): void {
    const now = clock.now();
    if (bytes === 0 || now < nextMs) return;
    nextMs = now + INTERVAL_MS;
    messages.status(formatProgress(name, bytes, file?.sizeBytes, now - start));
  }

  return {
    name,
    file,
    readInto: async (buffer) => {
      show();
      const length = await input.readInto(buffer);
      bytes += length;
      if (length === 0) messages.clearStatus();
      return length;
    },
    close: async () => {
      messages.clearStatus();
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
