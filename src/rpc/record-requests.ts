import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { nextState, type TransitionTable } from "../async/state-machine.js";
import { Wakeup } from "../async/wakeup.js";
import {
  type RecordRequest,
  RecordRequestSchema,
  StartRecordingSchema,
} from "../gen/recorder/recorder_pb.js";
import type { StartRecordingInit } from "../recorder/start.js";

export type RequestsState =
  /** Only the start request is sent. */
  | { readonly name: "recording" }
  /** A stop request is to be sent. */
  | { readonly name: "stopping" }
  | { readonly name: "stopSent" }
  /** The call is over: the sending side is closed. */
  | { readonly name: "ended" };

export type RequestsEvent =
  | { readonly name: "stop" }
  /** The stop request is passed to the transport. */
  | { readonly name: "sendStop" }
  | { readonly name: "end" };

const ended = (): RequestsState => ({ name: "ended" });

export const REQUESTS_TRANSITIONS: TransitionTable<RequestsState, RequestsEvent> = {
  recording: { stop: () => ({ name: "stopping" }), sendStop: "impossible", end: ended },
  stopping: { stop: "ignored", sendStop: () => ({ name: "stopSent" }), end: ended },
  stopSent: { stop: "ignored", sendStop: "impossible", end: ended },
  ended: { stop: "ignored", sendStop: "impossible", end: "ignored" },
};

/** The requests of a Record call: the start, then the stop when it is requested. */
export class RecordRequests implements AsyncIterable<RecordRequest> {
  readonly #start: StartRecordingInit;
  readonly #changed = new Wakeup();
  #state: RequestsState = { name: "recording" };

  constructor(start: StartRecordingInit) {
    this.#start = start;
  }

  stop(): void {
    this.#apply({ name: "stop" });
  }

  /** Ends the iteration. Until then the sending side stays open, as servers require. */
  end(): void {
    this.#apply({ name: "end" });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordRequest, void, undefined> {
    // The cast widens the protocol: filters accept any number, the message type only enum values, but both are encoded
    // alike.
    const value = create(StartRecordingSchema, this.#start as MessageInitShape<typeof StartRecordingSchema>);
    yield create(RecordRequestSchema, { requestType: { case: "start", value } });
    while (this.#state.name !== "ended") {
      if (this.#state.name === "stopping") {
        this.#apply({ name: "sendStop" });
        yield create(RecordRequestSchema, { requestType: { case: "stop", value: {} } });
      } else {
        await this.#changed.wait();
      }
    }
  }

  #apply(event: RequestsEvent): void {
    this.#state = nextState(REQUESTS_TRANSITIONS, this.#state, event);
    this.#changed.wake();
  }
}
