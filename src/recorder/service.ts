import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { aFunction, aNumberFrom, aString, oneOf, required } from "../errors/value-checks.js";
import type { RecordRequest, RecordResponse } from "../gen/recorder/recorder_pb.js";
import { DEFAULT_QUEUE_BYTES } from "./recording.js";
import { RecordCall } from "./service/call.js";
import { addStats, NO_TOTALS, type RecorderCounters } from "./service/counters.js";
import { RpcError } from "./service/error.js";
import { completeLimits, RECORDER_LIMITS, type RecorderLimits, StorageBudget } from "./service/limits.js";
import type { OpenRecordingSource, RecordContext, RecordingRequest, ServiceParts } from "./service/parts.js";
import type { OpenSink } from "./sink.js";

/** How often a quiet recording tells of itself. */
export const DEFAULT_RUNNING_INTERVAL_MS = 1000;

/** How often at most a busy one does. */
export const DEFAULT_CHANGE_INTERVAL_MS = 100;

/** What a Recorder service is made of. */
export interface RecorderServiceOptions {
  /** `<cluster>/<node>`, or `<node>` for the default cluster; told in every response. */
  readonly nodeName: string;
  /** Where the packets of a recording come from; called once for each, when its request has been found good. */
  readonly openSource: OpenRecordingSource;
  /** Where they go, such as `fileSink(folder, { nodeName })`. */
  readonly openSink: OpenSink;
  /** Whether somebody may record this; everybody may without it. An RpcError is passed on, any other error denies. */
  readonly authorize?: (request: RecordingRequest) => boolean | Promise<boolean>;
  readonly limits?: Partial<RecorderLimits>;
  /** Bytes that recordings hold already, asked for before each one when there is a `maxStoredBytes`. */
  readonly storedBytes?: () => number | Promise<number>;
  /** As for `record`. */
  readonly whenBusy?: "wait" | "drop";
  readonly queueBytes?: number;
  /** `running` comes at least this often, changed or not; {@link DEFAULT_RUNNING_INTERVAL_MS} by default. */
  readonly runningIntervalMs?: number;
  /**
   * `running` comes at most this often for changed counts, and no more often than the client reads;
   * {@link DEFAULT_CHANGE_INTERVAL_MS} by default, 0 for at every change as upstream.
   */
  readonly changeIntervalMs?: number;
  readonly clock?: Clock;
}

/** What may be left out; to be spread into the tables of options that extend these. */
export const OPTIONAL_SERVICE_OPTIONS: OptionTable<
  Omit<RecorderServiceOptions, "nodeName" | "openSource" | "openSink">
> = {
  authorize: aFunction,
  limits: optionsOf("limits", RECORDER_LIMITS),
  storedBytes: aFunction,
  whenBusy: oneOf("wait", "drop"),
  queueBytes: aNumberFrom(0),
  runningIntervalMs: aNumberFrom(0),
  changeIntervalMs: aNumberFrom(0),
  clock: aClock,
};

const SERVICE_OPTIONS: OptionTable<RecorderServiceOptions> = {
  ...OPTIONAL_SERVICE_OPTIONS,
  nodeName: required(aString),
  openSource: required(aFunction),
  openSink: required(aFunction),
};

/** The Recorder service of a node, for any RPC library. */
export interface RecorderService extends AsyncDisposable {
  /**
   * The Record call. Give it the requests as they come, send what it yields, and ask for the next only when that has
   * been taken: so a slow client gets fewer, newer statistics. Leaving early aborts the recording; abort the signal as well, which
   * also ends a wait. The iteration of `requests` is not ended by the call.
   *
   * @throws RpcError for the client, from the iteration.
   */
  record(
    requests: AsyncIterable<RecordRequest>,
    context?: RecordContext,
  ): AsyncGenerator<RecordResponse, void, undefined>;
  readonly limits: RecorderLimits;
  /** Totals since the service was made, those of recordings under way included. */
  readonly counters: RecorderCounters;
  /**
   * Ends all recordings as by `stop`, so that their clients get `stopped`, and refuses new ones; resolves when the last
   * call has ended. (A client that does not read holds it up: close the connections after a while.)
   */
  shutdown(): Promise<void>;
}

/**
 * The Recorder service as Cilium v1.16.2 has it; docs/serving.md lists the differences.
 *
 * @throws OptionsError
 */
export function createRecorderService(options: RecorderServiceOptions): RecorderService {
  checkOptions("createRecorderService", options, SERVICE_OPTIONS);
  const { whenBusy = "wait" } = options;
  const limits = completeLimits(options.limits);
  const calls = new Set<RecordCall>();
  let totals = NO_TOTALS;
  let recordings = 0;
  let closing = false;
  const whenEmpty: (() => void)[] = [];

  const parts: ServiceParts = {
    nodeName: options.nodeName,
    openSource: async (start, context) => options.openSource(start, context),
    openSink: options.openSink,
    authorize: options.authorize,
    limits,
    budget: new StorageBudget(limits.maxStoredBytes, options.storedBytes),
    clock: options.clock ?? systemClock,
    whenBusy,
    queueBytes: options.queueBytes ?? DEFAULT_QUEUE_BYTES,
    runningIntervalMs: options.runningIntervalMs ?? DEFAULT_RUNNING_INTERVAL_MS,
    changeIntervalMs: options.changeIntervalMs ?? DEFAULT_CHANGE_INTERVAL_MS,
    takeSlot: () => {
      if (recordings >= limits.maxRecordings) {
        throw new RpcError(
          "RESOURCE_EXHAUSTED",
          `unable to allocate capture rule id: at most ${limits.maxRecordings} recordings at once`,
        );
      }
      recordings++;
      return () => {
        recordings--;
      };
    },
  };

  async function* record(
    requests: AsyncIterable<RecordRequest>,
    context: RecordContext = {},
  ): AsyncGenerator<RecordResponse, void, undefined> {
    admitCall();
    const call = new RecordCall(parts, context);
    calls.add(call);
    try {
      yield* call.run(requests);
    } finally {
      calls.delete(call);
      totals = addStats({ ...totals, [call.ended]: totals[call.ended] + 1 }, call.stats);
      if (calls.size === 0) for (const resolve of whenEmpty.splice(0)) resolve();
    }
  }

  function admitCall(): void {
    if (closing) {
      totals = { ...totals, refused: totals.refused + 1 };
      throw new RpcError("UNAVAILABLE", "the recorder is shutting down");
    }
    if (calls.size >= limits.maxCalls) {
      totals = { ...totals, refused: totals.refused + 1 };
      throw new RpcError("RESOURCE_EXHAUSTED", `at most ${limits.maxCalls} calls at once`);
    }
  }

  async function shutdown(): Promise<void> {
    closing = true;
    if (calls.size === 0) return;
    const emptied = new Promise<void>((resolve) => whenEmpty.push(resolve));
    for (const call of calls) call.shutdown();
    await emptied;
  }

  return {
    record,
    limits,
    get counters() {
      let sum = totals;
      for (const { stats } of calls) sum = addStats(sum, stats);
      return { ...sum, running: recordings, calls: calls.size, storedBytes: parts.budget.usedBytes };
    },
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}
