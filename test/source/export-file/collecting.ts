import type { EventSource, JsonValue } from "../../../src/observer/index.js";
import {
  type ExportFileReport,
  type ExportFileSourceOptions,
  exportFileSource,
} from "../../../src/source/export.js";
import { POLL_MS } from "../../../src/source/followed-file.js";
import { type FakeClock, fakeClock } from "../../../src/testing/index.js";

/** A source that is read, with what it has yielded. */
export interface Reading {
  readonly source: EventSource;
  readonly clock: FakeClock;
  /** Those that were acknowledged. */
  readonly uuids: string[];
  readonly reports: ExportFileReport[];
  /** Lets it find what was written: two checks after which it waits again. */
  poll(): Promise<void>;
  /** Acknowledges no further batch. */
  hold(): void;
  /** Ends it as a crash does. Returns the position that a checkpoint has. */
  stop(): Promise<JsonValue>;
  /** Settles when the source ends. */
  readonly ended: Promise<void>;
}

/** Reads a source, and acknowledges each batch. */
export function readExport(
  path: string,
  options: ExportFileSourceOptions = {},
  position?: JsonValue,
): Reading {
  const clock = fakeClock();
  const reports: ExportFileReport[] = [];
  const uuids: string[] = [];
  const controller = new AbortController();
  const source = exportFileSource(path, { clock, onReport: (report) => reports.push(report), ...options });
  let hasEnded = false;
  let isHeld = false;
  const ended = (async () => {
    try {
      for await (const batch of source.read({ position, signal: controller.signal })) {
        if (isHeld) continue;
        uuids.push(...batch.map(({ uuid }) => uuid));
        source.acknowledge!(batch);
      }
    } finally {
      hasEnded = true;
    }
  })();
  ended.catch(() => {});

  /** Until it waits for the clock or has ended. */
  async function untilWaiting(): Promise<void> {
    while (!hasEnded && clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    source,
    clock,
    uuids,
    reports,
    ended,
    poll: async () => {
      for (let check = 0; check < 3; check++) {
        await untilWaiting();
        clock.advance(POLL_MS);
      }
      await untilWaiting();
    },
    hold: () => {
      isHeld = true;
    },
    stop: async () => {
      controller.abort(new Error("crash"));
      await ended.catch(() => {});
      return JSON.parse(JSON.stringify(source.position!())) as JsonValue;
    },
  };
}
