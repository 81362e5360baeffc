import { onAbort, orAbort } from "../../async/abort.js";
import { nextState } from "../../async/state-machine.js";
import { Wakeup } from "../../async/wakeup.js";
import { messageOf } from "../../errors/message.js";
import type { RecordRequest, RecordResponse, StartRecording } from "../../gen/recorder/recorder_pb.js";
import type { PacketSource } from "../../packet/source.js";
import { type Recording, type RecordingResult, record } from "../recording.js";
import type { RecordingStats } from "../stats.js";
import { admit } from "./admission.js";
import { boundedSink } from "./bounded-sink.js";
import {
  CALL_TRANSITIONS,
  type CallEvent,
  type CallOutcome,
  type CallState,
  OUTCOMES,
} from "./call-state.js";
import type { RecordContext, RpcPeer, ServiceDependencies } from "./context.js";
import { abortError, RpcError, statusOfFailure } from "./error.js";
import { RecordingSlot } from "./recording-slot.js";
import { requestText } from "./request-text.js";
import { NO_STATS, runningResponse, stoppedResponse, toWireStats, type WireStats } from "./response.js";
import { ResponsePace } from "./response-pace.js";

/**
 * One Record call: the state machine of Cilium's Recorder (pkg/hubble/recorder/service.go). Requests are read
 * concurrently, so that a client that does not read responses can still stop the recording.
 */
export class RecordCall {
  readonly #service: ServiceDependencies;
  readonly #signal: AbortSignal | undefined;
  readonly #peer: RpcPeer | undefined;
  /**
   * Aborted with the first error of the call, an RpcError, or at its end. Ends every wait, the opening of the source,
   * and the recording.
   */
  readonly #failure = new AbortController();
  /** Wakes the call: the state has changed, a response may be due, or the call has failed. */
  readonly #changed = new Wakeup();
  readonly #pace: ResponsePace;
  #state: CallState = { name: "waiting" };

  constructor(service: ServiceDependencies, { signal, peer }: RecordContext) {
    this.#service = service;
    this.#signal = signal;
    this.#peer = peer;
    const { readTimeoutMs } = service.limits;
    this.#pace = new ResponsePace(
      service,
      () => this.#changed.wake(),
      () => this.#fail(new RpcError("DEADLINE_EXCEEDED", `no response read within ${readTimeoutMs} ms`)),
    );
  }

  /** The counts of the recording; undefined before it starts. */
  get stats(): RecordingStats | undefined {
    return this.#recording?.stats;
  }

  /** How the call ended; call it after the end. */
  get outcome(): CallOutcome {
    return OUTCOMES[this.#state.name];
  }

  /**
   * Ends the call for a service shutdown: stops a recording gracefully; fails a call that has not sent its start
   * request.
   */
  shutdown(): void {
    if (this.#state.name === "waiting") {
      this.#fail(new RpcError("UNAVAILABLE", "the recorder is shutting down"));
    } else {
      this.#stop();
    }
  }

  async *run(requests: AsyncIterable<RecordRequest>): AsyncGenerator<RecordResponse, void, undefined> {
    const removeListener = onAbort(this.#signal, () => this.#fail(abortError(this.#signal?.reason)));
    void this.#receiveAll(requests);
    try {
      const start = await this.#receiveStart();
      await admit(start, this.#peer, this.#service, this.#failure.signal);
      yield* this.#record(start);
    } catch (error) {
      throw asRpcError(error);
    } finally {
      this.#end();
      removeListener();
      this.#pace.end();
    }
  }

  get #recording(): Recording | undefined {
    return "recording" in this.#state ? this.#state.recording : undefined;
  }

  #apply(event: CallEvent): void {
    this.#state = nextState(CALL_TRANSITIONS, this.#state, event);
    this.#changed.wake();
  }

  #fail(error: RpcError): void {
    this.#failure.abort(error);
    this.#changed.wake();
  }

  /** Aborts what is pending when the call ends; has no effect after a failure. */
  #end(): void {
    this.#failure.abort(new RpcError("CANCELLED", "the client has left"));
  }

  #stop(): void {
    this.#apply({ name: "stop" });
    this.#recording?.stop();
  }

  /** Waits until `find` returns a value. Throws the failure of the call if that comes first. */
  #until<T>(find: () => T | undefined): Promise<T> {
    return this.#changed.until(() => {
      const found = find();
      if (found === undefined) this.#failure.signal.throwIfAborted();
      return found;
    });
  }

  /** Waits for a promise that may never settle. Throws the failure of the call if that comes first. */
  #orFail<T>(pending: Promise<T>): Promise<T> {
    return orAbort(pending, this.#failure.signal);
  }

  /**
   * Reads requests until the call is over. The caller closes the iterator, which may belong to the same stream as the
   * responses.
   */
  async #receiveAll(requests: AsyncIterable<RecordRequest>): Promise<void> {
    const { signal } = this.#failure;
    try {
      const iterator = requests[Symbol.asyncIterator]();
      while (!signal.aborted) {
        const { done, value } = await iterator.next();
        if (signal.aborted) return;
        if (done === true) throw new RpcError("FAILED_PRECONDITION", "EOF");
        this.#receive(value);
      }
    } catch (error) {
      const status = error instanceof RpcError ? error.status : "INTERNAL";
      const text = `failed to receive from recorder client: ${messageOf(error)}`;
      this.#fail(new RpcError(status, text, { cause: error }));
    }
  }

  #receive(request: RecordRequest): void {
    const { requestType } = request;
    const expected = this.#state.name === "waiting" ? "start" : "stop";
    if (requestType.case !== expected) {
      const status = requestType.case === undefined ? "INVALID_ARGUMENT" : "FAILED_PRECONDITION";
      this.#fail(
        new RpcError(
          status,
          `received invalid request ${requestText(request)}, expected ${expected} request`,
        ),
      );
    } else if (requestType.case === "start") {
      this.#apply({ name: "start", start: requestType.value });
    } else {
      this.#stop();
    }
  }

  async #receiveStart(): Promise<StartRecording> {
    const { clock, limits } = this.#service;
    const { startTimeoutMs } = limits;
    const cancelTimer = clock.setTimer(startTimeoutMs, () =>
      this.#fail(new RpcError("DEADLINE_EXCEEDED", `no start request within ${startTimeoutMs} ms`)),
    );
    try {
      return await this.#until(() => ("start" in this.#state ? this.#state.start : undefined));
    } finally {
      cancelTimer();
    }
  }

  /** Opens the source, records and yields the responses. */
  async *#record(start: StartRecording): AsyncGenerator<RecordResponse, void, undefined> {
    const release = this.#service.slots.acquire();
    const context = { signal: this.#failure.signal, peer: this.#peer };
    const slot = new RecordingSlot(this.#service.openSource(start, context), release);
    try {
      this.#begin(await this.#orFail(slot.source), start, slot);
      yield* this.#respond(slot);
    } finally {
      this.#end();
      await this.#recording?.stopped.catch(() => {});
      // Not awaited: a source that does not open or close must not delay the response. It keeps its slot.
      void slot.close();
    }
  }

  #begin(source: PacketSource, start: StartRecording, slot: RecordingSlot): void {
    const { openSink, budget, clock, whenBusy, queueBytes } = this.#service;
    const open = boundedSink(openSink, budget, () => this.#apply({ name: "sinkOpen" }));
    const recording = record(source, start, {
      sink: (request) => {
        const opening = open(request);
        slot.holdForSink(opening);
        return opening;
      },
      signal: this.#failure.signal,
      clock,
      whenBusy,
      queueBytes,
    });
    const isStopRequested = "isStopRequested" in this.#state && this.#state.isStopRequested;
    this.#apply({ name: "begin", recording });
    recording.stopped.then(
      (result) => this.#apply({ name: "stopped", result }),
      (error: unknown) => {
        this.#apply({ name: "failed", error });
        // Also release the slot if the client never reads the next response.
        void slot.close();
      },
    );
    void this.#watch(recording);
    if (isStopRequested) recording.stop();
  }

  async #watch(recording: Recording): Promise<void> {
    for await (const _ of recording.updates) this.#pace.change();
  }

  async *#respond(slot: RecordingSlot): AsyncGenerator<RecordResponse, void, undefined> {
    const { nodeName, clock } = this.#service;
    await this.#until(() => this.#isStarted());
    let stats = NO_STATS;
    for (;;) {
      this.#pace.send(stats);
      yield runningResponse(nodeName, clock.now(), stats);
      this.#pace.read();
      const next = await this.#until(() => this.#nextResponse());
      if ("result" in next) {
        // Release the slot before the client can start its next recording.
        await this.#orFail(slot.close());
        const { stats: finalStats, filePath = "" } = next.result;
        yield stoppedResponse(nodeName, clock.now(), toWireStats(finalStats), filePath);
        return;
      }
      stats = next.stats;
    }
  }

  /** Returns true once the sink is open. Throws if it cannot be opened. */
  #isStarted(): true | undefined {
    const state = this.#state;
    // No prefix: nothing has been recorded yet. Upstream's message is the same.
    if (state.name === "rejected") throw asRpcError(state.error);
    return state.name === "starting" ? undefined : true;
  }

  /** Returns what to send next, or undefined while there is nothing to send. Throws if the recording has failed. */
  #nextResponse(): { readonly result: RecordingResult } | { readonly stats: WireStats } | undefined {
    const state = this.#state;
    if (state.name === "stopped") return state;
    // If the call has failed, that is why its recording failed.
    if (this.#failure.signal.aborted) return undefined;
    if (state.name === "failed") throw asRpcError(state.error, "recorder recording error: ");
    const recording = this.#recording;
    const stats = recording && this.#pace.select(() => toWireStats(recording.stats));
    return stats && { stats };
  }
}

function asRpcError(error: unknown, prefix = ""): RpcError {
  if (prefix === "" && error instanceof RpcError) return error;
  return new RpcError(statusOfFailure(error), prefix + messageOf(error), { cause: error });
}
