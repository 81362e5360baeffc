import { create } from "@bufbuild/protobuf";
import { nextState, type TransitionTable } from "../async/state-machine.js";
import { Wakeup } from "../async/wakeup.js";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import {
  type RecordRequest,
  RecordRequestSchema,
  type StartRecording,
  StartRecordingSchema,
} from "../gen/recorder/recorder_pb.js";
import type { StartRecordingInput } from "../recorder/start.js";
import { readRequest } from "./read-request.js";

/**
 * Converts any of the forms of a start request to a message. Checks fields and types only; the server validates the
 * values. Messages keep fields that are newer than this version.
 *
 * @throws ConfigurationError `invalid_recording` with every unknown field and type mismatch.
 */
export function toStartRecording(start: StartRecordingInput): StartRecording {
  const issues: Issue[] = [];
  const message = readRequest(StartRecordingSchema, start, "", (path, text) =>
    issues.push(issueOf(path, text)),
  );
  if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
  return message;
}

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
  readonly #start: StartRecording;
  readonly #changed = new Wakeup();
  #state: RequestsState = { name: "recording" };

  constructor(start: StartRecording) {
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
    yield create(RecordRequestSchema, { requestType: { case: "start", value: this.#start } });
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
