import { createClient, type Transport } from "@connectrpc/connect";
import { relayAbort } from "../async/abort.js";
import { iterateOrAbort } from "../async/iterate-or-abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aSignal } from "../errors/value-checks.js";
import {
  Recorder,
  type RecordingStatistics,
  type RecordResponse,
  type StartRecording,
} from "../gen/recorder/recorder_pb.js";
import { RpcError } from "../recorder/service/error.js";
import type { StartRecordingInput } from "../recorder/start.js";
import { Updates } from "../recorder/stats.js";
import { aTransport } from "./calls.js";
import { fromCallError } from "./connect-error.js";
import { RecordRequests, toStartRecording } from "./record-requests.js";

/** Counters reported by a server; losses in the kernel and in queues are added up. */
export interface RemoteStats {
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  readonly packetsLost: number;
  readonly bytesLost: number;
}

/** Result of a successful remote recording. */
export interface RemoteRecordingResult {
  /** Path of the file on the recording node. */
  readonly filePath: string;
  readonly nodeName: string;
  readonly stats: RemoteStats;
}

/** A recording on another node, with the same interface as one of `record`. */
export interface RemoteRecording {
  /** Ends the recording gracefully: `stopped` resolves once the server has completed the file. Idempotent. */
  stop(): void;
  /** The latest counters. */
  readonly stats: RemoteStats;
  /** Resolves when the server confirms that it records; rejects with the same error as `stopped`. */
  readonly started: Promise<{ readonly nodeName: string }>;
  /**
   * Yields the counters on every update, coalesced for slow readers; ends with the recording. Can be iterated
   * repeatedly.
   */
  readonly updates: AsyncIterable<RemoteStats>;
  /**
   * Resolves when the recording has ended; rejects with an RpcError of server or connection, or the signal's reason.
   */
  readonly stopped: Promise<RemoteRecordingResult>;
}

/** Options of {@link recordRemote}. */
export interface RecordRemoteOptions {
  /** Cancels the call: the server aborts the recording, and `stopped` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const RECORD_OPTIONS: OptionTable<RecordRemoteOptions> = { signal: aSignal };

const NO_STATS: RemoteStats = { packetsCaptured: 0, bytesCaptured: 0, packetsLost: 0, bytesLost: 0 };

/**
 * Records on a node that serves the Recorder: Cilium's agent (1.10 to 1.18), or `createRecorderService`. Starts at
 * once. The server validates the values in `start`; if they are invalid, `stopped` rejects.
 *
 * @throws ConfigurationError `invalid_recording` with every unknown field and type mismatch in `start`.
 * @throws OptionsError for invalid options; TypeError for an invalid transport.
 */
export function recordRemote(
  transport: Transport,
  start: StartRecordingInput,
  options: RecordRemoteOptions = {},
): RemoteRecording {
  checkArgument("recordRemote", "transport", transport, aTransport);
  checkOptions("recordRemote", options, RECORD_OPTIONS);
  return new RemoteRecorder(toStartRecording(start), options).run(transport);
}

class RemoteRecorder {
  readonly #requests: RecordRequests;
  readonly #signal: AbortSignal | undefined;
  /** Ends the call after the last response: Connect would leave the sending side open. */
  readonly #controller = new AbortController();
  readonly #updates = new Updates<RemoteStats>(() => this.#stats);
  #stats = NO_STATS;

  constructor(start: StartRecording, { signal }: RecordRemoteOptions) {
    this.#requests = new RecordRequests(start);
    this.#signal = signal;
  }

  run(transport: Transport): RemoteRecording {
    let confirm!: (confirmation: { nodeName: string }) => void;
    let deny!: (error: unknown) => void;
    const started = new Promise<{ readonly nodeName: string }>((resolve, reject) => {
      confirm = resolve;
      deny = reject;
    });
    const stopped = this.#record(transport, confirm);
    stopped.catch(deny);
    // A caller that awaits only `stopped` gets no unhandled rejection.
    started.catch(() => {});
    const currentStats = () => this.#stats;
    return {
      stop: () => this.#requests.stop(),
      get stats() {
        return currentStats();
      },
      started,
      updates: this.#updates,
      stopped,
    };
  }

  async #record(
    transport: Transport,
    confirm: (confirmation: { nodeName: string }) => void,
  ): Promise<RemoteRecordingResult> {
    const removeRelay = relayAbort(this.#signal, this.#controller);
    try {
      this.#signal?.throwIfAborted();
      const client = createClient(Recorder, transport);
      const { signal } = this.#controller;
      const responses = iterateOrAbort(client.record(this.#requests, { signal }), signal);
      let result: RemoteRecordingResult | undefined;
      for await (const response of responses) {
        result ??= this.#update(response);
        confirm({ nodeName: response.nodeName });
        if (result !== undefined) this.#requests.end();
      }
      if (result !== undefined) return result;
      throw new RpcError(
        "INTERNAL",
        "the server ended the call without saying that the recording has stopped",
      );
    } catch (error) {
      if (this.#signal?.aborted === true) throw this.#signal.reason;
      throw fromCallError(error);
    } finally {
      this.#requests.end();
      this.#controller.abort();
      removeRelay();
      this.#updates.changed();
      this.#updates.end();
    }
  }

  #update({ nodeName, responseType }: RecordResponse): RemoteRecordingResult | undefined {
    if (responseType.case === undefined) return undefined;
    this.#stats = toRemoteStats(responseType.value.stats);
    this.#updates.changed();
    if (responseType.case === "running") return undefined;
    return { nodeName, filePath: responseType.value.filesink?.filePath ?? "", stats: this.#stats };
  }
}

function toRemoteStats(stats: RecordingStatistics | undefined): RemoteStats {
  if (stats === undefined) return NO_STATS;
  return {
    packetsCaptured: Number(stats.packetsCaptured),
    bytesCaptured: Number(stats.bytesCaptured),
    packetsLost: Number(stats.packetsLost),
    bytesLost: Number(stats.bytesLost),
  };
}
