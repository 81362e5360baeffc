import type { Clock } from "../../async/clock.js";
import type { StartRecording } from "../../gen/recorder/recorder_pb.js";
import type { PacketSource } from "../../packet/source.js";
import type { OpenSink } from "../sink.js";
import type { RecorderLimits, StorageBudget } from "./limits.js";
import type { RecordingSlots } from "./recording-slot.js";

/** The peer of a call, as reported by the transport. */
export interface RpcPeer {
  /** Address and port of the peer, or the path of the socket. */
  readonly address: string;
  /** Names from the verified client certificate: DNS names, URIs, e-mail addresses, common name. */
  readonly identities: readonly string[];
  /** The value of a request header, such as `authorization`; multiple values are joined with commas. */
  header(name: string): string | undefined;
}

/** Call information from the transport. */
export interface RecordContext {
  /** Aborted when the client disconnects or cancels the call, or when the deadline is exceeded. */
  readonly signal?: AbortSignal | undefined;
  readonly peer?: RpcPeer | undefined;
}

/** A request to authorize. */
export interface RecordingRequest {
  readonly start: StartRecording;
  /** Undefined for calls from within this process. */
  readonly peer: RpcPeer | undefined;
}

/**
 * Opens the packet source of a recording; the service disposes of it. The recording counts towards `maxRecordings`
 * until it is disposed of or the promise rejects. Do not reject, not even for an aborted signal, until everything that
 * was opened is closed.
 */
export type OpenRecordingSource = (
  start: StartRecording,
  context: { readonly signal: AbortSignal; readonly peer: RpcPeer | undefined },
) => Promise<PacketSource>;

/** The dependencies of a call. */
export interface ServiceDependencies {
  readonly nodeName: string;
  readonly openSource: OpenRecordingSource;
  readonly openSink: OpenSink;
  readonly authorize: ((request: RecordingRequest) => boolean | Promise<boolean>) | undefined;
  readonly limits: RecorderLimits;
  readonly slots: RecordingSlots;
  readonly budget: StorageBudget;
  readonly clock: Clock;
  readonly whenBusy: "wait" | "drop";
  readonly queueBytes: number;
  readonly runningIntervalMs: number;
  readonly changeIntervalMs: number;
}
