import {
  type Collection,
  type CollectOutput,
  type CollectReport,
  collect,
  type OutputAggregation,
} from "../../collect/index.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { openCheckpointFile } from "../../sink/checkpoint.js";
import { errorText } from "../error-text.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { readHttpAddress } from "../io/http-server.js";
import type { Io } from "../io/io.js";
import { createMessages } from "../io/messages.js";
import { openAdminServer } from "./admin-server.js";
import { toMs } from "./broker-config.js";
import type { AggregateConfig, CollectConfig } from "./config.js";
import { openFlowLog } from "./flow-logs.js";
import { type OpenContext, openKind } from "./kind.js";
import { loadConfig } from "./load-config.js";
import { SINKS } from "./sinks.js";
import { SOURCES } from "./sources.js";

/** Runs a collector until the source ends or a signal arrives. A reload replaces it by one with the new configuration. */
export async function runCollector(path: string, first: CollectConfig, io: Io): Promise<ExitCode> {
  const messages = createMessages(io);
  let config = first;
  for (;;) {
    const next = await runOnce(path, config, { io, messages });
    if (next === undefined) return EXIT.ok;
    config = next;
    messages.report(`${path}: reloaded`);
  }
}

/** Returns the configuration to go on with, undefined at the end. */
async function runOnce(
  path: string,
  config: CollectConfig,
  { io, messages }: Pick<OpenContext, "io" | "messages">,
): Promise<CollectConfig | undefined> {
  const metrics: (() => Promise<string>)[] = [];
  const context: OpenContext = { io, messages, addMetrics: (text) => metrics.push(text) };
  await using opened = new AsyncDisposables();
  const { source } = opened.use(await openKind(config.source, SOURCES, context));
  const outputs = await openOutputs(config, context, opened);
  const deadLetter = config.deadLetter && opened.use(await openKind(config.deadLetter, SINKS, context));
  const collection = collect(source, {
    ...optionsOf(config),
    outputs,
    ...(deadLetter && { deadLetter }),
    ...(config.checkpoint && { checkpoint: openCheckpointFile(config.checkpoint) }),
    onReport: (report) => messages.report(reportText(report)),
    clock: io.clock,
  });
  // Ends before the sinks are closed, also if what follows fails.
  opened.use({
    [Symbol.asyncDispose]: async () => {
      collection.stop();
      await collection.stopped.catch(() => {});
    },
  });
  if (config.listen !== undefined) {
    const address = readHttpAddress("listen", config.listen);
    const server = opened.use(await openAdminServer(address, collection, io.clock, metrics));
    messages.report(`serving ${server.url}/metrics and /healthz`);
  }
  let next: CollectConfig | undefined;
  const removeHangUp = io.onHangUp?.(() => {
    loadConfig(path, io).then(
      (loaded) => {
        next = loaded;
        collection.stop();
      },
      (error) => messages.report(`the configuration is not reloaded:\n${errorText(error)}`),
    );
  });
  const stop = () => {
    next = undefined;
    collection.stop();
  };
  if (io.signal.aborted) stop();
  io.signal.addEventListener("abort", stop, { once: true });
  try {
    const stats = await collection.stopped;
    messages.report(summaryOf(stats));
    return io.signal.aborted ? undefined : next;
  } catch (error) {
    // A reload must not end the program: what was not written is read again.
    if (next === undefined || io.signal.aborted) throw error;
    messages.report(errorText(error));
    return next;
  } finally {
    removeHangUp?.();
    io.signal.removeEventListener("abort", stop);
  }
}

async function openOutputs(
  { outputs = [], flowLogs = [] }: CollectConfig,
  context: OpenContext,
  opened: AsyncDisposables,
): Promise<CollectOutput[]> {
  const result: CollectOutput[] = [];
  for (const config of outputs) {
    const { name, allow, deny, fieldMask, redact, aggregate, ...sinkConfig } = config;
    const sink: FlowSink = opened.use(await openKind(sinkConfig, SINKS, context));
    result.push({
      name,
      sink,
      ...(allow && { allow }),
      ...(deny && { deny }),
      ...(fieldMask && { fieldMask }),
      ...(redact && { redact }),
      ...(aggregate && { aggregate: toAggregation(aggregate) }),
    });
  }
  for (const log of flowLogs) {
    const output = await openFlowLog(log, context);
    opened.use(output.sink);
    result.push(output);
  }
  return result;
}

function optionsOf(config: CollectConfig) {
  const { allow, deny, maxBatchEvents, maxWaitingEvents, checkpointInterval, stopTimeout, retry } = config;
  return {
    ...(allow && { allow }),
    ...(deny && { deny }),
    ...(maxBatchEvents !== undefined && { maxBatchEvents }),
    ...(maxWaitingEvents !== undefined && { maxWaitingEvents }),
    ...(checkpointInterval !== undefined && { checkpointIntervalMs: toMs(checkpointInterval) }),
    ...(stopTimeout !== undefined && { stopTimeoutMs: toMs(stopTimeout) }),
    ...(retry && {
      retry: {
        ...(retry.initialDelay !== undefined && { initialDelayMs: toMs(retry.initialDelay) }),
        ...(retry.maxDelay !== undefined && { maxDelayMs: toMs(retry.maxDelay) }),
        ...(retry.maxAttempts !== undefined && { maxAttempts: retry.maxAttempts }),
      },
    }),
  };
}

function toAggregation({ interval, ...aggregation }: AggregateConfig): OutputAggregation {
  return { ...aggregation, intervalMs: toMs(interval) };
}

function reportText(report: CollectReport): string {
  switch (report.kind) {
    case "retry":
      return `${report.output}: ${errorText(report.error)}; trying again in ${report.delayMs / 1000} s`;
    case "refused":
      return `${report.output}: an event was refused${report.isLost ? " and is lost" : ""}: ${report.reason}`;
    case "checkpoint":
    case "close":
      return errorText(report.error);
  }
}

function summaryOf({ read, filtered, acknowledged, lost, dropped }: Awaited<Collection["stopped"]>): string {
  const counts = [`${read} events read`, `${filtered} filtered`, `${acknowledged} delivered`];
  if (lost > 0) counts.push(`${lost} reported as lost by Hubble`);
  if (dropped > 0) counts.push(`${dropped} dropped`);
  return counts.join(", ");
}

/** Disposes of what was opened, the last first; Node 20 has no AsyncDisposableStack. */
class AsyncDisposables implements AsyncDisposable {
  readonly #opened: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of [...this.#opened].reverse()) await opened[Symbol.asyncDispose]();
  }
}
