import { onAbort } from "../../async/abort.js";
import { messageOf } from "../../errors/message.js";
import type { RecordRequest, RecordResponse, StartRecording } from "../../gen/recorder/recorder_pb.js";
import type { PacketSource } from "../../packet/source.js";
import { type Recording, type RecordingResult, record } from "../recording.js";
import { checkStartRecording } from "../start.js";
import type { RecordingStats } from "../stats.js";
import { boundedSink } from "./bounded-sink.js";
import type { RecordContext, RpcPeer, ServiceDependencies } from "./context.js";
import { abortError, RpcError, statusOfFailure } from "./error.js";
import { issuesText } from "./issues-text.js";
import { RecordingSlot } from "./recording-slot.js";
import { requestText } from "./request-text.js";
import {
  NO_STATS,
  runningResponse,
  sameStats,
  stoppedResponse,
  toWireStats,
  type WireStats,
} from "./response.js";

/** How a recording ended. */
type Outcome = { readonly result: RecordingResult } | { readonly error: unknown };

/**
 * One Record call: the state machine of Cilium's Recorder (pkg/hubble/recorder/service.go). Requests are read
 * concurrently, so that a client that does not read responses can still stop the recording.
 */
export class RecordCall {
  readonly #service: ServiceDependencies;
  readonly #signal: AbortSignal | undefined;
  readonly #peer: RpcPeer | undefined;
  /** Aborts pending work: opening the source, and the recording. */
  readonly #controller = new AbortController();
  readonly #timers = new Set<() => void>();
  /** The first error, which ends the call without a `stopped` response. */
  #failure: RpcError | undefined;
  #start: StartRecording | undefined;
  #recording: Recording | undefined;
  /** Whether to stop the recording gracefully: requested by the client or by a service shutdown. */
  #stopping = false;
  #sinkOpen = false;
  #outcome: Outcome | undefined;
  /**
   * `#changed`: the counts may have changed. `#mayTell`: the minimum interval since the last response has passed.
   * `#isDue`: the maximum interval has passed, so respond even if the counts are unchanged.
   */
  #changed = false;
  #mayTell = true;
  #isDue = false;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(service: ServiceDependencies, { signal, peer }: RecordContext) {
    this.#service = service;
    this.#signal = signal;
    this.#peer = peer;
  }

  /** The counts of the recording; undefined before it starts. */
  get stats(): RecordingStats | undefined {
    return this.#recording?.stats;
  }

  /** How the recording ended; `refused` if it never started. */
  get ended(): "stopped" | "failed" | "refused" {
    if (this.#recording === undefined || !this.#sinkOpen) return "refused";
    return this.#outcome !== undefined && "result" in this.#outcome ? "stopped" : "failed";
  }

  /**
   * Ends the call for a service shutdown: stops a recording gracefully; fails a call that has not sent its start
   * request.
   */
  shutdown(): void {
    if (this.#start === undefined) this.#fail(new RpcError("UNAVAILABLE", "the recorder is shutting down"));
    else this.#stop();
  }

  async *run(requests: AsyncIterable<RecordRequest>): AsyncGenerator<RecordResponse, void, undefined> {
    const removeListener = onAbort(this.#signal, () => this.#fail(abortError(this.#signal?.reason)));
    void this.#receiveAll(requests);
    try {
      yield* this.#record(await this.#receiveStart());
    } catch (error) {
      throw asRpcError(error);
    } finally {
      this.#over = true;
      removeListener();
      for (const callOff of this.#timers) callOff();
    }
  }

  /** Waits until `look` returns a value. Throws the failure of the call if that comes first. */
  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #fail(error: RpcError): void {
    this.#failure ??= error;
    this.#controller.abort(this.#failure);
    this.#wake?.();
  }

  #stop(): void {
    this.#stopping = true;
    this.#recording?.stop();
  }

  #setTimer(delayMs: number, callback: () => void): () => void {
    const callOffTimer = this.#service.clock.setTimer(delayMs, () => {
      this.#timers.delete(callOff);
      callback();
    });
    const callOff = () => {
      this.#timers.delete(callOff);
      callOffTimer();
    };
    this.#timers.add(callOff);
    return callOff;
  }

  /**
   * Reads requests until the call is over. The caller closes the iterator, which may belong to the same stream as the
   * responses.
   */
  async #receiveAll(requests: AsyncIterable<RecordRequest>): Promise<void> {
    try {
      const iterator = requests[Symbol.asyncIterator]();
      while (!this.#over && this.#failure === undefined) {
        const { done, value } = await iterator.next();
        if (this.#over) return;
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
    const expected = this.#start === undefined ? "start" : "stop";
    if (requestType.case !== expected) {
      const status = requestType.case === undefined ? "INVALID_ARGUMENT" : "FAILED_PRECONDITION";
      this.#fail(
        new RpcError(
          status,
          `received invalid request ${requestText(request)}, expected ${expected} request`,
        ),
      );
    } else if (requestType.case === "start") {
      this.#start = requestType.value;
      this.#wake?.();
    } else {
      this.#stop();
    }
  }

  async #receiveStart(): Promise<StartRecording> {
    const { startTimeoutMs } = this.#service.limits;
    const callOff = this.#setTimer(startTimeoutMs, () =>
      this.#fail(new RpcError("DEADLINE_EXCEEDED", `no start request within ${startTimeoutMs} ms`)),
    );
    const start = await this.#until(() => this.#start);
    callOff();
    return start;
  }

  async *#record(start: StartRecording): AsyncGenerator<RecordResponse, void, undefined> {
    await this.#admit(start);
    const release = this.#service.acquireSlot();
    const opening = this.#service.openSource(start, { signal: this.#controller.signal, peer: this.#peer });
    const slot = new RecordingSlot(opening, release);
    try {
      yield* this.#follow(await this.#orGiveUp(slot.source), start, slot);
    } finally {
      this.#controller.abort(this.#failure ?? new RpcError("CANCELLED", "the client has left"));
      await this.#recording?.stopped.catch(() => {});
      // Not awaited: a source that does not open or close must not delay the response. It keeps its slot.
      void slot.close();
    }
  }

  /** Rejects requests that are not allowed, exceed limits, or are invalid. */
  async #admit(start: StartRecording): Promise<void> {
    const { limits, budget } = this.#service;
    if (!(await this.#orGiveUp(this.#isAllowed(start)))) {
      throw new RpcError("PERMISSION_DENIED", "not allowed to record");
    }
    if (start.include.length > limits.maxFilters) {
      throw new RpcError(
        "RESOURCE_EXHAUSTED",
        `too many include filters: ${start.include.length} (at most ${limits.maxFilters})`,
      );
    }
    const issues = checkStartRecording(start);
    if (issues.length > 0) throw new RpcError("INVALID_ARGUMENT", issuesText(issues));
    await this.#orGiveUp(budget.refresh());
  }

  /** A failing `authorize` denies the request. Its error is not sent to the client, unless it is an RpcError. */
  async #isAllowed(start: StartRecording): Promise<boolean> {
    const { authorize } = this.#service;
    if (authorize === undefined) return true;
    try {
      return await authorize({ start, peer: this.#peer });
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw new RpcError("PERMISSION_DENIED", "not allowed to record", { cause: error });
    }
  }

  /** Waits for a promise that may never settle. Throws the failure of the call if that comes first. */
  async #orGiveUp<T>(pending: Promise<T>): Promise<T> {
    let settled: { readonly value: T } | undefined;
    pending.then(
      (value) => {
        settled = { value };
        this.#wake?.();
      },
      (error: unknown) => this.#fail(asRpcError(error)),
    );
    return (await this.#until(() => settled)).value;
  }

  /** Records and yields the responses. */
  async *#follow(
    source: PacketSource,
    start: StartRecording,
    slot: RecordingSlot,
  ): AsyncGenerator<RecordResponse, void, undefined> {
    const recording = this.#beginRecording(source, start, slot);
    await this.#until(() => (this.#sinkOpen ? true : this.#rejectedOutcome()));
    let told = NO_STATS;
    yield* this.#tell(told);
    for (;;) {
      const event = await this.#until(() => this.#nextEvent(recording, told));
      if (event !== "ended") {
        told = event;
        yield* this.#tell(told);
        continue;
      }
      const outcome = this.#outcome!;
      if ("error" in outcome) throw asRpcError(outcome.error, "recorder recording error: ");
      const { stats, filePath = "" } = outcome.result;
      // Release the slot before the client can start its next recording.
      await this.#orGiveUp(slot.close());
      const { nodeName, clock } = this.#service;
      yield stoppedResponse(nodeName, clock.now(), toWireStats(stats), filePath);
      return;
    }
  }

  #beginRecording(source: PacketSource, start: StartRecording, slot: RecordingSlot): Recording {
    const { openSink, budget, clock, whenBusy, queueBytes } = this.#service;
    const onOpen = () => {
      this.#sinkOpen = true;
      this.#wake?.();
    };
    const open = boundedSink(openSink, budget, onOpen);
    const recording = record(source, start, {
      sink: (request) => {
        const opening = open(request);
        slot.holdForSink(opening);
        return opening;
      },
      signal: this.#controller.signal,
      clock,
      whenBusy,
      queueBytes,
    });
    this.#recording = recording;
    recording.stopped.then(
      (result) => this.#end({ result }),
      (error: unknown) => {
        this.#end({ error });
        // Also release the slot if the client never reads the next response.
        void slot.close();
      },
    );
    void this.#watch(recording);
    if (this.#stopping) recording.stop();
    return recording;
  }

  #end(outcome: Outcome): void {
    this.#outcome = outcome;
    this.#wake?.();
  }

  async #watch(recording: Recording): Promise<void> {
    for await (const _ of recording.updates) {
      this.#changed = true;
      this.#wake?.();
    }
  }

  /** Throws if the recording failed before its sink was open. */
  #rejectedOutcome(): never | undefined {
    const outcome = this.#outcome;
    // No prefix: nothing has been recorded yet. Upstream's message is the same.
    if (outcome !== undefined && "error" in outcome) throw asRpcError(outcome.error);
    return undefined;
  }

  /** Returns `ended`, the counts to send next, or undefined while there is nothing to send. */
  #nextEvent(recording: Recording, told: WireStats): "ended" | WireStats | undefined {
    const outcome = this.#outcome;
    if (outcome !== undefined && (this.#failure === undefined || "result" in outcome)) return "ended";
    if (this.#failure !== undefined) return undefined;
    if (this.#isDue) return toWireStats(recording.stats);
    if (!this.#changed || !this.#mayTell) return undefined;
    this.#changed = false;
    const stats = toWireStats(recording.stats);
    return sameStats(stats, told) ? undefined : stats;
  }

  /** Sends counts and sets the timers for the earliest and the latest time of the next response. */
  async *#tell(stats: WireStats): AsyncGenerator<RecordResponse, void, undefined> {
    const { nodeName, clock, runningIntervalMs, changeIntervalMs, limits } = this.#service;
    for (const callOff of this.#timers) callOff();
    this.#isDue = false;
    const callOff = this.#setTimer(limits.readTimeoutMs, () =>
      this.#fail(new RpcError("DEADLINE_EXCEEDED", `no response read within ${limits.readTimeoutMs} ms`)),
    );
    yield runningResponse(nodeName, clock.now(), stats);
    callOff();
    this.#setTimer(runningIntervalMs, () => {
      this.#isDue = true;
      this.#wake?.();
    });
    if (changeIntervalMs === 0) return;
    this.#mayTell = false;
    this.#setTimer(changeIntervalMs, () => {
      this.#mayTell = true;
      this.#wake?.();
    });
  }
}

function asRpcError(error: unknown, prefix = ""): RpcError {
  if (prefix === "" && error instanceof RpcError) return error;
  return new RpcError(statusOfFailure(error), prefix + messageOf(error), { cause: error });
}
