import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import { relayAbort } from "../async/abort.js";
import { iterateOrAbort } from "../async/iterate-or-abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { aSignal } from "../errors/value-checks.js";
import {
  Recorder,
  type RecordingStatistics,
  type RecordRequest,
  RecordRequestSchema,
  type RecordResponse,
  StartRecordingSchema,
} from "../gen/recorder/recorder_pb.js";
import { anInitOf } from "../message/init-check.js";
import { RpcError } from "../recorder/service/error.js";
import type { StartRecordingInit } from "../recorder/start.js";
import { Updates } from "../recorder/stats.js";
import { aTransport } from "./calls.js";
import { fromCallError } from "./connect-error.js";

/** Counts as a server tells them; what it lost in the kernel and in queues is one number. */
export interface RemoteStats {
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  readonly packetsLost: number;
  readonly bytesLost: number;
}

/** How a remote recording ended well. */
export interface RemoteRecordingResult {
  /** On the node that recorded. */
  readonly filePath: string;
  readonly nodeName: string;
  readonly stats: RemoteStats;
}

/** A recording on another node, of the same shape as one of `record`. */
export interface RemoteRecording {
  /** "Finish well": `stopped` resolves when the server has completed the file. Harmless when repeated or too late. */
  stop(): void;
  /** The counts that came last. */
  readonly stats: RemoteStats;
  /** Resolves when the server confirms that it records; rejects as `stopped` does. */
  readonly started: Promise<{ readonly nodeName: string }>;
  /** The counts, as they come; coalesced for a slow reader. Ends with the recording. May be read any number of times. */
  readonly updates: AsyncIterable<RemoteStats>;
  /** Rejects with the RpcError of the server or the connection, or with the reason of the signal. */
  readonly stopped: Promise<RemoteRecordingResult>;
}

/** How a recording on a server is asked for. */
export interface RecordRemoteOptions {
  /** "Give up": cancels the call, which makes the server abort the recording; `stopped` rejects with the reason. */
  readonly signal?: AbortSignal;
}

const RECORD_OPTIONS: OptionTable<RecordRemoteOptions> = { signal: aSignal };

/** Its fields and types; whether the values make sense is for the server to say. */
const A_START = anInitOf(StartRecordingSchema);

const NO_STATS: RemoteStats = { packetsCaptured: 0, bytesCaptured: 0, packetsLost: 0, bytesLost: 0 };

/**
 * Records on a node that serves the Recorder: Cilium's agent (1.10 to 1.18), or `createRecorderService`. Begins at once.
 * What is wrong with `start` the server says: `stopped` then rejects.
 *
 * @throws OptionsError; TypeError for another transport, and for a start with unknown fields or values of the wrong type.
 */
export function recordRemote(
  transport: Transport,
  start: StartRecordingInit,
  options: RecordRemoteOptions = {},
): RemoteRecording {
  checkArgument("recordRemote", "transport", transport, aTransport);
  checkArgument("recordRemote", "start", start, A_START);
  checkOptions("recordRemote", options, RECORD_OPTIONS);
  return new RemoteRecorder(start, options).run(transport);
}

class RemoteRecorder {
  readonly #start: StartRecordingInit;
  readonly #signal: AbortSignal | undefined;
  /** Ends the call when it has come to its end: Connect would leave the sending side open. */
  readonly #controller = new AbortController();
  readonly #updates = new Updates<RemoteStats>(() => this.#stats);
  #stats = NO_STATS;
  #stopping = false;
  #wakeSender: (() => void) | undefined;
  #ended = false;

  constructor(start: StartRecordingInit, { signal }: RecordRemoteOptions) {
    this.#start = start;
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
    // Whoever waits for the one need not look at the other.
    started.catch(() => {});
    const currentStats = () => this.#stats;
    return {
      stop: () => {
        this.#stopping = true;
        this.#wakeSender?.();
      },
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
      const responses = iterateOrAbort(client.record(this.#requests(), { signal }), signal);
      let result: RemoteRecordingResult | undefined;
      for await (const response of responses) {
        result ??= this.#take(response);
        confirm({ nodeName: response.nodeName });
        if (result !== undefined) this.#endSending();
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
      this.#endSending();
      this.#controller.abort();
      removeRelay();
      this.#updates.changed();
      this.#updates.end();
    }
  }

  /** The start, then the stop when it is asked for; the sending side stays open until the end, which servers insist on. */
  async *#requests(): AsyncGenerator<RecordRequest, void, undefined> {
    // Filters of ours take any number as the protocol, those of the message only the names of the enum: on the wire it is a number.
    const value = create(StartRecordingSchema, this.#start as MessageInitShape<typeof StartRecordingSchema>);
    yield create(RecordRequestSchema, { requestType: { case: "start", value } });
    let told = false;
    while (!this.#ended) {
      if (this.#stopping && !told) {
        told = true;
        yield create(RecordRequestSchema, { requestType: { case: "stop", value: {} } });
      } else {
        await new Promise<void>((resolve) => (this.#wakeSender = resolve));
      }
    }
  }

  #endSending(): void {
    this.#ended = true;
    this.#wakeSender?.();
  }

  #take({ nodeName, responseType }: RecordResponse): RemoteRecordingResult | undefined {
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
