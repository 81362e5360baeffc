import { aClock, type Clock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aFunction, aNumberFrom, aSignal, oneOf } from "../errors/value-checks.js";
import type { Resolution } from "../packet/batch.js";
import { aSource, type PacketSource } from "../packet/source.js";
import { Recorder } from "./recorder.js";
import type { OpenSink, SinkResult } from "./sink.js";
import { planRecording, type StartRecordingInput } from "./start.js";
import type { RecordingStats } from "./stats.js";
import type { StopLimit } from "./stop.js";

/** Default queue limit in bytes: about 58,000 packets with 128 captured bytes each. */
export const DEFAULT_QUEUE_BYTES = 8 * 1024 * 1024;

/** Where the packets go, and the limits of the queue. */
export interface RecordOptions {
  /** Where the packets are written. Without a sink, read them from {@link Recording.bytes}. */
  readonly sink?: OpenSink;
  /**
   * What happens while the sink is busy. `wait` (default): the recording stops reading the source until the sink is
   * ready. Files lose nothing; a live source drops and counts what exceeds its own buffer. `drop`: reading continues.
   * Packets that do not fit into the queue are lost and counted, as in Cilium's Recorder.
   */
  readonly whenBusy?: "wait" | "drop";
  /**
   * Maximum size of the queue in bytes: of unread `bytes` and, with `drop`, of packets waiting for the sink. Default:
   * {@link DEFAULT_QUEUE_BYTES}.
   */
  readonly queueBytes?: number;
  /** Unit of the timestamps in `bytes`: microseconds by default, as upstream. */
  readonly resolution?: Resolution;
  /**
   * Aborts the recording: `stopped` rejects with the signal's reason. A file is closed and keeps the packets written so
   * far.
   */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

const RECORD_OPTIONS: OptionTable<RecordOptions> = {
  sink: aFunction,
  whenBusy: oneOf("wait", "drop"),
  queueBytes: aNumberFrom(0),
  resolution: oneOf("us", "ns"),
  signal: aSignal,
  clock: aClock,
};

/** Why a recording ended: `stop()` was called, a limit of the stop condition was reached, or the source ended. */
export type StopReason = "requested" | StopLimit | "source_end";

/** How a recording ended. */
export interface RecordingResult extends SinkResult {
  readonly reason: StopReason;
  /** Final counts. Every packet that matched is included. */
  readonly stats: RecordingStats;
}

/** A running recording. */
export interface Recording {
  /**
   * Stops gracefully: received packets are still recorded, then `stopped` resolves. Calls after the first, or after the
   * recording has ended, have no effect.
   */
  stop(): void;
  /** Current counts; final once the recording has ended, even with an error. */
  readonly stats: RecordingStats;
  /**
   * Absolute path of the file, available once the sink is open and also after a failure. Undefined if the sink is not a
   * file.
   */
  readonly filePath: string | undefined;
  /**
   * Yields the current counts, then new counts after each change. A slow reader skips intermediate values. Ends with
   * the recording, even if it fails. Can be iterated any number of times.
   */
  readonly updates: AsyncIterable<RecordingStats>;
  /**
   * The pcap as a stream of chunks, if no sink was given. The recording waits while more than `queueBytes` are unread,
   * so read it. The reader owns the chunks. Can be iterated only once. Ending the iteration early stops the recording.
   * Throws the same error as `stopped`.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /**
   * Rejects with the error of the source or the sink, or with the reason of the signal. With a sink, this is the only
   * place where a failure is reported, so await it. (An unhandled rejection does not end the process.)
   */
  readonly stopped: Promise<RecordingResult>;
}

/**
 * Records the packets of a source that match the filters of `start`. The recording starts immediately. It ends when a
 * limit of the stop condition is reached, `stop()` is called, or the source ends. The caller still has to dispose of
 * the source.
 *
 * Packets are truncated to `max_capture_length` after filtering. 0 keeps whole packets and writes a snap length of
 * 262,144 (upstream: 65,535). A source that is already `filtered` is not filtered again. The pcap supports packets of
 * one link type only.
 *
 * @throws ConfigurationError `invalid_recording` with every fault of `start`, before anything is opened.
 * @throws OptionsError for invalid options; TypeError if `source` is not a packet source.
 */
export function record(
  source: PacketSource,
  start: StartRecordingInput,
  options: RecordOptions = {},
): Recording {
  checkArgument("record", "source", source, aSource);
  checkOptions("record", options, RECORD_OPTIONS);
  const { queueBytes = DEFAULT_QUEUE_BYTES } = options;
  return new Recorder(source, planRecording(start), { ...options, queueBytes }).run();
}
