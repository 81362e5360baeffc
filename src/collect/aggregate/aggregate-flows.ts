import { systemClock } from "../../async/clock.js";
import { createTurnDue } from "../../async/event-loop-turns.js";
import { Wakeup } from "../../async/wakeup.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions } from "../../errors/check-options.js";
import { anIterable } from "../../errors/value-checks.js";
import { type AggregatedEvent, createFlowAggregator } from "./aggregator.js";
import { AGGREGATE_FLOWS_OPTIONS, type AggregateFlowsOptions } from "./options.js";

/**
 * Aggregates the flows of a stream; see `createFlowAggregator`. Yields the groups at the end of each interval and at the
 * end of the events, and all other events at once. The clock counts from the first call of `next`. If the events fail, the
 * groups are yielded before the error is thrown.
 *
 * Events are only read while the consumer waits for the next one, so that a slow consumer slows down the stream. An
 * interval that ends meanwhile is yielded before the next event is read.
 *
 * @throws From the call: OptionsError, and TypeError if `events` is not iterable. From the iteration: the errors of the
 *   events and of `add`.
 *
 * @example
 * const options = { fields: ["source.pod_name", "verdict"], intervalMs: 60_000 };
 * for await (const { responseTypes } of aggregateFlows(observe(transport, request), options)) print(responseTypes);
 */
export function aggregateFlows<E extends AggregatedEvent>(
  events: AsyncIterable<E> | Iterable<E>,
  options: AggregateFlowsOptions,
): AsyncGenerator<E, void, undefined> {
  checkArgument("aggregateFlows", "events", events, anIterable);
  checkOptions("aggregateFlows", options, AGGREGATE_FLOWS_OPTIONS);
  return aggregate(events, options);
}

async function* aggregate<E extends AggregatedEvent>(
  events: AsyncIterable<E> | Iterable<E>,
  { intervalMs, clock = systemClock, ...options }: AggregateFlowsOptions,
): AsyncGenerator<E, void, undefined> {
  const aggregator = createFlowAggregator<E>(options);
  const turnDue = createTurnDue({
    now: () => clock.now(),
    turn: () => clock.turn?.() ?? Promise.resolve(),
  });
  const reader = new IntervalReader(iteratorOf(events));
  let cancelTimer = () => {};
  const startTimer = () => {
    if (intervalMs === undefined) return;
    cancelTimer = clock.setTimer(intervalMs, () => {
      reader.interrupt();
      startTimer();
    });
  };
  startTimer();
  try {
    for (;;) {
      const turn = turnDue();
      if (turn !== undefined) await turn;
      const result = await reader.next();
      if (result === "interrupted") yield* aggregator.flush();
      else if (result.done === true) break;
      else yield* aggregator.add(result.value);
    }
  } catch (error) {
    yield* aggregator.flush();
    throw error;
  } finally {
    cancelTimer();
    await reader.close();
  }
  yield* aggregator.flush();
}

function iteratorOf<E>(events: AsyncIterable<E> | Iterable<E>): AsyncIterator<E> | Iterator<E> {
  return Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
}

/** A read that has begun: settled or not. */
type Read<E> =
  | { readonly state: "pending" }
  | { readonly state: "read"; readonly result: IteratorResult<E> }
  | { readonly state: "failed"; readonly error: unknown };

/** Reads an iterator one by one. A read can be interrupted; the next one then continues it. */
class IntervalReader<E> {
  readonly #iterator: AsyncIterator<E> | Iterator<E>;
  readonly #changed = new Wakeup();
  #read: Read<E> | undefined;
  #isInterrupted = false;
  #isDone = false;

  constructor(iterator: AsyncIterator<E> | Iterator<E>) {
    this.#iterator = iterator;
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.#changed.wake();
  }

  async next(): Promise<IteratorResult<E> | "interrupted"> {
    for (;;) {
      if (this.#isInterrupted) {
        this.#isInterrupted = false;
        return "interrupted";
      }
      if (this.#read === undefined) this.#begin();
      const read = this.#read;
      if (read === undefined || read.state === "pending") {
        await this.#changed.wait();
        continue;
      }
      this.#read = undefined;
      if (read.state === "read" && read.result.done !== true) return read.result;
      this.#isDone = true;
      if (read.state === "failed") throw read.error;
      return read.result;
    }
  }

  /** Ends the iterator, unless it has ended. One that is being read may never answer, so it is not waited for. */
  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    const isReading = this.#read?.state === "pending";
    const closed = this.#iterator.return?.();
    if (!isReading) await closed;
    else if (closed instanceof Promise) closed.catch(() => {});
  }

  #begin(): void {
    this.#read = { state: "pending" };
    const settle = (read: Read<E>) => {
      this.#read = read;
      this.#changed.wake();
    };
    // A synchronous iterator may throw.
    new Promise<IteratorResult<E>>((resolve) => resolve(this.#iterator.next())).then(
      (result) => settle({ state: "read", result }),
      (error: unknown) => settle({ state: "failed", error }),
    );
  }
}
