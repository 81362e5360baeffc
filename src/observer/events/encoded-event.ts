import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { checkArgument } from "../../errors/check-argument.js";
import { fieldsOf } from "../../errors/check-options.js";
import { FlowscribeError } from "../../errors/errors.js";
import { aUint8Array, required } from "../../errors/value-checks.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  ExportEventSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../gen/observer/observer_pb.js";
import {
  createResponseScan,
  decodeGetFlowsResponse,
  type ResponseScan,
} from "../../message/decode-response.js";
import { toNanoseconds } from "../../message/timestamp.js";
import { sharedStrings } from "../../message/wire/string-cache.js";
import { toEnvelope } from "../flow-response.js";

/** The kind of an event: the case of its oneof; `none` if no case is set, or one that is newer than this package. */
export type EventKind = "flow" | "node_status" | "lost_events" | "agent_event" | "debug_event" | "none";

/** An encoded event, with what is needed to store, find and order it. */
export interface EncodedEvent {
  /**
   * The event, encoded as `observer.ExportEvent`. An encoded `observer.GetFlowsResponse` is one. It must not be changed.
   */
  readonly bytes: Uint8Array;
  readonly kind: EventKind;
  /** The UUID of the flow; empty if it has none, and for other events. */
  readonly uuid: string;
  /** The time of the event in nanoseconds since 1970; undefined if it has none. */
  readonly time: bigint | undefined;
  /** The name of the node that has seen the event; empty if it is not known. */
  readonly node: string;
}

const anEncodedEvent = fieldsOf({ bytes: required(aUint8Array) });

const KINDS: Readonly<Record<NonNullable<ExportEvent["responseTypes"]["case"]>, EventKind>> = {
  flow: "flow",
  nodeStatus: "node_status",
  lostEvents: "lost_events",
  agentEvent: "agent_event",
  debugEvent: "debug_event",
};

/** Created for the first event. */
let scan: ResponseScan | undefined;

/**
 * Reads the kind, the UUID, the time and the node of an encoded event. The event is not decoded otherwise, so that fields
 * which are newer than this package stay in it.
 *
 * @param bytes An encoded `observer.GetFlowsResponse`, such as those of `observe` with `encoded: true`, or an
 *   `observer.ExportEvent`. It is kept and must not be changed afterwards.
 * @throws FlowscribeError `malformed_message` if the bytes cannot be decoded. Damage in other fields is not noticed.
 *
 * @example
 * const { uuid, node } = encodedEvent(bytes);
 */
export function encodedEvent(bytes: Uint8Array): EncodedEvent {
  if (!(bytes instanceof Uint8Array)) checkArgument("encodedEvent", "bytes", bytes, aUint8Array);
  scan ??= createResponseScan(
    {
      ...{ node_name: true, time: true, node_status: { state_change: true }, lost_events: { source: true } },
      flow: { uuid: true, time: true, node_name: true },
    },
    sharedStrings,
  );
  const { responseTypes, time, nodeName } = scan(bytes, 0, bytes.length);
  const flow = responseTypes.case === "flow" ? responseTypes.value : undefined;
  const at = time ?? flow?.time;
  return {
    bytes,
    // A GetFlowsResponse has fewer cases than an ExportEvent.
    kind: responseTypes.case === undefined ? otherKind(bytes) : KINDS[responseTypes.case],
    uuid: flow?.uuid ?? "",
    time: at && toNanoseconds(at),
    node: nodeName || (flow?.nodeName ?? ""),
  };
}

function otherKind(bytes: Uint8Array): EventKind {
  const kind = decodeOther(bytes).responseTypes.case;
  return kind === undefined ? "none" : KINDS[kind];
}

function decodeOther(bytes: Uint8Array): ExportEvent {
  try {
    return fromBinary(ExportEventSchema, bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FlowscribeError("malformed_message", `not a valid observer.ExportEvent: ${reason}`, { cause });
  }
}

/**
 * Encodes an event. For events that were received encoded, {@link encodedEvent} is faster and keeps all fields.
 *
 * @param event An event, or a bare flow, which gets the time and node name of the flow.
 * @throws TypeError if it is none of these.
 */
export function encodeEvent(event: GetFlowsResponse | ExportEvent | Flow): EncodedEvent {
  const envelope = toEnvelope("encodeEvent", event);
  return encodedEvent(
    envelope.$typeName === "observer.ExportEvent"
      ? toBinary(ExportEventSchema, envelope)
      : toBinary(GetFlowsResponseSchema, envelope),
  );
}

/**
 * Decodes an event.
 *
 * @example
 * const { responseTypes } = decodeEvent(event);
 * @throws FlowscribeError `malformed_message` if the bytes cannot be decoded.
 */
export function decodeEvent(event: EncodedEvent): GetFlowsResponse | ExportEvent {
  checkArgument("decodeEvent", "event", event, anEncodedEvent);
  const { bytes, kind } = event;
  return kind === "agent_event" || kind === "debug_event"
    ? decodeOther(bytes)
    : decodeGetFlowsResponse(bytes);
}
