import { iterateOrAbort } from "../async/iterate-or-abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { FlowscribeError } from "../errors/errors.js";
import { anIterable } from "../errors/value-checks.js";
import type { EncodedEvent } from "../observer/events/encoded-event.js";
import type { EventSource } from "../observer/events/event-source.js";

/** A source of batches in memory. */
export interface FakeEventSource extends EventSource {
  /** The number of batches that were acknowledged. Reading resumes after as many. */
  readonly acknowledged: number;
  position(): number;
}

/**
 * Creates a source of events in memory, for tests of what reads sources. Its position is the number of acknowledged batches:
 * reading from a position leaves out as many.
 *
 * @param batches They are read once. An error that the iteration throws is the failure of the source.
 *
 * @example
 * const source = fakeEventSource([[encodeEvent(flow({ uuid: "1" }))]]);
 */
export function fakeEventSource(
  batches: Iterable<readonly EncodedEvent[]> | AsyncIterable<readonly EncodedEvent[]>,
): FakeEventSource {
  checkArgument("fakeEventSource", "batches", batches, anIterable);
  let acknowledged = 0;
  let isRead = false;
  return {
    get acknowledged() {
      return acknowledged;
    },
    async *read({ position, signal }) {
      if (isRead) throw new FlowscribeError("source_consumed", "a source of events can be read only once");
      isRead = true;
      signal.throwIfAborted();
      const from = typeof position === "number" ? position : 0;
      acknowledged = from;
      let index = 0;
      for await (const batch of iterateOrAbort(asyncOf(batches), signal)) {
        if (index++ >= from) yield batch;
      }
    },
    acknowledge: () => {
      acknowledged++;
    },
    position: () => acknowledged,
  };
}

async function* asyncOf<T>(values: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* values;
}
