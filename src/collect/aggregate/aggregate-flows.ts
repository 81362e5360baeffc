import { systemClock } from "../../async/clock.js";
import { createTurnDue } from "../../async/event-loop-turns.js";
import { IntervalReader } from "../../async/interval-reader.js";
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
  const reader = new IntervalReader(events, { intervalMs, clock });
  try {
    for (;;) {
      const turn = turnDue();
      if (turn !== undefined) await turn;
      const result = await reader.next();
      if (result === "interval") yield* aggregator.flush();
      else if (result.done === true) break;
      else yield* aggregator.add(result.value);
    }
  } catch (error) {
    yield* aggregator.flush();
    throw error;
  } finally {
    await reader.close();
  }
  yield* aggregator.flush();
}
