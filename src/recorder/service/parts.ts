import type { Clock } from "../../async/clock.js";
import type { StartRecording } from "../../gen/recorder/recorder_pb.js";
import type { PacketSource } from "../../packet/source.js";
import type { OpenSink } from "../sink.js";
import type { RecorderLimits, StorageBudget } from "./limits.js";

/** Who calls, as far as the transport knows. */
export interface RpcPeer {
  /** The peer's address and port, or the path of the socket. */
  readonly address: string;
  /** The names in the client certificate, once it has been checked: DNS names, URIs, e-mail addresses, the common name. */
  readonly identities: readonly string[];
  /** The value of a request header, such as `authorization`; several are joined with commas. */
  header(name: string): string | undefined;
}

/** What a transport tells of a call. */
export interface RecordContext {
  /** Aborted when the client is gone, cancels the call, or its deadline has passed. */
  readonly signal?: AbortSignal | undefined;
  readonly peer?: RpcPeer | undefined;
}

/** A recording that somebody asks for. */
export interface RecordingRequest {
  readonly start: StartRecording;
  /** Undefined for calls of this process. */
  readonly peer: RpcPeer | undefined;
}

/**
 * Opens the packets for a recording; the service disposes of it. The recording counts against `maxRecordings` until then, or
 * until the promise rejects: so do not reject, not even for an aborted signal, before everything that was opened is closed.
 */
export type OpenRecordingSource = (
  start: StartRecording,
  context: { readonly signal: AbortSignal; readonly peer: RpcPeer | undefined },
) => Promise<PacketSource>;

/** What a call has of its service. */
export interface ServiceParts {
  readonly nodeName: string;
  readonly openSource: OpenRecordingSource;
  readonly openSink: OpenSink;
  readonly authorize: ((request: RecordingRequest) => boolean | Promise<boolean>) | undefined;
  readonly limits: RecorderLimits;
  readonly budget: StorageBudget;
  readonly clock: Clock;
  readonly whenBusy: "wait" | "drop";
  readonly queueBytes: number;
  readonly runningIntervalMs: number;
  readonly changeIntervalMs: number;
  /** Reserves one of the recordings at once; the function returned gives it back. */
  takeSlot(): () => void;
}
