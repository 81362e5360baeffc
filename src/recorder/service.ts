import { aClock, type Clock, systemClock } from "../async/clock.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { aFunction, aNumberFrom, aString, oneOf, required } from "../errors/value-checks.js";
import type { RecordRequest, RecordResponse } from "../gen/recorder/recorder_pb.js";
import { DEFAULT_QUEUE_BYTES } from "./recording.js";
import type {
  OpenRecordingSource,
  RecordContext,
  RecordingRequest,
  ServiceDependencies,
} from "./service/context.js";
import type { RecorderCounters } from "./service/counters.js";
import { completeLimits, RECORDER_LIMITS, type RecorderLimits, StorageBudget } from "./service/limits.js";
import { RecordCalls } from "./service/record-calls.js";
import { RecordingSlots } from "./service/recording-slot.js";
import type { OpenSink } from "./sink.js";

/** Default interval of `running` responses when the counts do not change. */
export const DEFAULT_RUNNING_INTERVAL_MS = 1000;

/** Default minimum interval between `running` responses when the counts change. */
export const DEFAULT_CHANGE_INTERVAL_MS = 100;

/** Options of a Recorder service. */
export interface RecorderServiceOptions {
  /** `<cluster>/<node>`, or `<node>` for the default cluster; included in every response. */
  readonly nodeName: string;
  /** Opens the packet source of a recording. Called once per recording, after its request has been validated. */
  readonly openSource: OpenRecordingSource;
  /** Opens the sink of a recording, such as `fileSink(folder, { nodeName })`. */
  readonly openSink: OpenSink;
  /**
   * Decides whether a client may record; without it, everyone may. An RpcError is sent to the client as it is; any
   * other error denies the request.
   */
  readonly authorize?: (request: RecordingRequest) => boolean | Promise<boolean>;
  readonly limits?: Partial<RecorderLimits>;
  /** Size in bytes of all recordings already stored. Called before each recording if `maxStoredBytes` is set. */
  readonly storedBytes?: () => number | Promise<number>;
  /** As for `record`. */
  readonly whenBusy?: "wait" | "drop";
  readonly queueBytes?: number;
  /**
   * Maximum time between `running` responses in milliseconds, whether or not the counts have changed;
   * {@link DEFAULT_RUNNING_INTERVAL_MS} by default.
   */
  readonly runningIntervalMs?: number;
  /**
   * Minimum time between `running` responses for changed counts, in milliseconds; {@link DEFAULT_CHANGE_INTERVAL_MS} by
   * default, 0 for a response at every change, as upstream. The client is never sent more responses than it reads.
   */
  readonly changeIntervalMs?: number;
  readonly clock?: Clock;
}

/** Checks of the optional options, for option tables that extend these. */
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

/** The Recorder service of a node, independent of the RPC library. */
export interface RecorderService extends AsyncDisposable {
  /**
   * The Record call. Pass requests as they arrive, send each yielded response, and request the next one only when it
   * has been sent: a slow client then gets fewer, newer statistics. Ending the iteration early aborts the recording;
   * abort the signal too, which also ends a pending wait. The call does not close the iterator of `requests`.
   *
   * @throws RpcError for the client, from the iteration.
   */
  record(
    requests: AsyncIterable<RecordRequest>,
    context?: RecordContext,
  ): AsyncGenerator<RecordResponse, void, undefined>;
  readonly limits: RecorderLimits;
  /** Totals since the service was created, including running recordings. */
  readonly counters: RecorderCounters;
  /**
   * Stops all recordings gracefully, so that their clients get `stopped`, and rejects new calls. Resolves when the last
   * call has ended. A client that does not read delays this, so close the connections after a timeout.
   */
  shutdown(): Promise<void>;
}

/**
 * Creates a Recorder service that behaves as in Cilium v1.16.2; docs/serving.md lists the differences.
 *
 * @throws OptionsError
 */
export function createRecorderService(options: RecorderServiceOptions): RecorderService {
  checkOptions("createRecorderService", options, SERVICE_OPTIONS);
  const dependencies = dependenciesOf(options);
  const calls = new RecordCalls(dependencies);
  const shutdown = () => calls.shutdown();
  return {
    record: (requests, context = {}) => calls.record(requests, context),
    limits: dependencies.limits,
    get counters() {
      return calls.counters;
    },
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}

/** Completes the options with their defaults. */
function dependenciesOf(options: RecorderServiceOptions): ServiceDependencies {
  const limits = completeLimits(options.limits);
  return {
    nodeName: options.nodeName,
    // An error that `openSource` throws becomes a rejection.
    openSource: async (start, context) => options.openSource(start, context),
    openSink: options.openSink,
    authorize: options.authorize,
    limits,
    slots: new RecordingSlots(limits.maxRecordings),
    budget: new StorageBudget(limits.maxStoredBytes, options.storedBytes),
    clock: options.clock ?? systemClock,
    whenBusy: options.whenBusy ?? "wait",
    queueBytes: options.queueBytes ?? DEFAULT_QUEUE_BYTES,
    runningIntervalMs: options.runningIntervalMs ?? DEFAULT_RUNNING_INTERVAL_MS,
    changeIntervalMs: options.changeIntervalMs ?? DEFAULT_CHANGE_INTERVAL_MS,
  };
}
