import { create, type MessageInitShape } from "@bufbuild/protobuf";
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
import { typeOf } from "../message/descriptor.js";
import { readMessage } from "../message/read.js";
import type { StartRecordingInput } from "../recorder/start.js";

/**
 * Converts any of the forms of a start request to a message. Checks fields and types only; the server validates the
 * values. Messages keep fields that are newer than this version.
 *
 * @throws ConfigurationError `invalid_recording` with every unknown field and type mismatch.
 */
export function toStartRecording(start: StartRecordingInput): StartRecording {
  const issues: Issue[] = [];
  const fields = readMessage(typeOf(StartRecordingSchema), start, "", {
    report: (path, message) => issues.push(issueOf(path, message)),
  });
  if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
  // The values have been read according to the descriptor, so they have the init shape.
  const message = create(StartRecordingSchema, fields as MessageInitShape<typeof StartRecordingSchema>);
  copyUnknownFields(start, message);
  return message;
}

/** Copies the unknown fields of messages, which are not read, to the messages with the same path. */
function copyUnknownFields(from: unknown, to: unknown): void {
  if (typeof from !== "object" || from === null || typeof to !== "object" || to === null) return;
  if ("$unknown" in from) Object.assign(to, { $unknown: from.$unknown });
  for (const [key, value] of Object.entries(to)) {
    if (key !== "$unknown") copyUnknownFields((from as Record<string, unknown>)[key], value);
  }
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
