import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import type { EventSource } from "../observer/events/event-source.js";
import { Collector } from "./collector/collector.js";
import { anEventSource, COLLECT_OPTIONS, type CollectOptions } from "./collector/options.js";
import type { CollectStats } from "./collector/stats.js";

/** A running collector. Disposing of it stops it and waits until it has ended. */
export interface Collection extends AsyncDisposable {
  /** Counts so far. */
  readonly stats: CollectStats;
  /**
   * Resolves with the final counts when the source has ended, or after `stop`. Rejects if the source fails, after everything
   * that came before is written; if a sink fails more often than the retries allow; and with the reason of the signal.
   */
  readonly stopped: Promise<CollectStats>;
  /** Ends gracefully: reads no further, writes what was read, saves the checkpoint. */
  stop(): void;
}

/**
 * Moves events from a source to one or more outputs without losing any. Events pass as the bytes that were read. A batch is
 * acknowledged to the source, and counts for the checkpoint, when it is durable in every output that takes it; a sink that
 * fails gets the same events again, with growing delays, while the source waits.
 *
 * Delivery is at least once: after a crash, the events since the last checkpoint are read again. `uuid` identifies flows.
 * Events that Hubble reports as lost (`lost_events`) go to every output, whatever its filters.
 *
 * The caller opens and disposes of sinks.
 *
 * @throws OptionsError with every fault, FilterError, FieldMaskError, from the call.
 *
 * @example
 * await using sink = await openFlowFile("/var/log/flows.jsonl");
 * const collection = collect(observerSource(transport, { follow: true }), {
 *   allow: [{ verdict: ["DROPPED"] }],
 *   outputs: [{ name: "drops", sink }],
 *   checkpoint: openCheckpointFile("/var/lib/collector/checkpoint.json"),
 * });
 * process.once("SIGTERM", () => collection.stop());
 * const { read, acknowledged } = await collection.stopped;
 */
export function collect(source: EventSource, options: CollectOptions): Collection {
  checkArgument("collect", "source", source, anEventSource);
  checkOptions("collect", options, COLLECT_OPTIONS);
  checkOutputs(options);
  const collector = new Collector(source, options);
  const stopped = collector.run();
  // A caller that only uses `stats` and `stop` must not end the process.
  stopped.catch(() => {});
  return {
    get stats() {
      return collector.stats;
    },
    stopped,
    stop: () => collector.stop(),
    [Symbol.asyncDispose]: async () => {
      collector.stop();
      await stopped;
    },
  };
}

function checkOutputs({ outputs }: CollectOptions): void {
  const issues = outputs.length === 0 ? [issueOf("outputs", "must have at least one output")] : [];
  const names = new Set<string>();
  for (const [index, { name }] of outputs.entries()) {
    if (name === "") issues.push(issueOf(`outputs[${index}].name`, "must not be empty"));
    if (names.has(name)) issues.push(issueOf(`outputs[${index}].name`, `is used twice: ${name}`));
    names.add(name);
  }
  if (issues.length > 0) throw new OptionsError(issues);
}
