import type { EventEmitter } from "node:events";
import type { PeerCertificate } from "node:tls";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { unlessAborted } from "../async/abort.js";
import { checkArgument } from "../errors/check-argument.js";
import {
  Recorder,
  type RecordRequest,
  RecordRequestSchema,
  type RecordResponse,
  RecordResponseSchema,
} from "../gen/recorder/recorder_pb.js";
import { RPC_STATUS_NUMBERS, RpcError } from "../recorder/service/error.js";
import type { RpcPeer } from "../recorder/service/parts.js";
import type { RecorderService } from "../recorder/service.js";
import { aService } from "./connect-service.js";
import { boundedMessage } from "./grpc-message.js";
import { identitiesOf } from "./peer.js";

/** What the adapter needs of a call's headers. */
export interface GrpcJsMetadata {
  /** The values of a header. */
  get(name: string): readonly (string | Buffer)[];
}

/** What the adapter needs of a call of `@grpc/grpc-js` (`ServerDuplexStream`), which is not loaded here. */
export interface GrpcJsRecordCall extends EventEmitter {
  /** The next request, or null. */
  read(): unknown;
  readonly cancelled: boolean;
  /** Headers by name. */
  readonly metadata: GrpcJsMetadata;
  /** The client's address. */
  getPeer(): string;
  /** What is known of the client by TLS. */
  getAuthContext?(): { readonly sslPeerCertificate?: PeerCertificate };
  /** False when the client is slower than what is written. */
  write(response: RecordResponse): boolean;
  /** Ends the call well. */
  end(): void;
}

/** What `addService` of a grpc-js server takes: `server.addService(definition, implementation)`. */
export interface GrpcJsService {
  readonly definition: {
    readonly Record: {
      readonly path: string;
      readonly requestStream: true;
      readonly responseStream: true;
      /** To bytes, as a client would. */
      readonly requestSerialize: (request: RecordRequest) => Buffer;
      /** From the client's bytes. */
      readonly requestDeserialize: (bytes: Buffer) => RecordRequest;
      /** To the client's bytes. */
      readonly responseSerialize: (response: RecordResponse) => Buffer;
      /** From bytes, as a client would. */
      readonly responseDeserialize: (bytes: Buffer) => RecordResponse;
    };
  };
  /** The handler by the name of its method. */
  readonly implementation: {
    /** Answers a call. */
    readonly Record: (call: GrpcJsRecordCall) => void;
  };
}

/**
 * The Recorder service for a server of `@grpc/grpc-js`. Give that server
 * `{ "grpc.max_receive_message_length": service.limits.maxMessageBytes }`.
 */
export function grpcJsRecorder(service: RecorderService): GrpcJsService {
  checkArgument("grpcJsRecorder", "service", service, aService);
  return {
    definition: {
      Record: {
        path: `/${Recorder.typeName}/${Recorder.method.record.name}`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (request) => toBuffer(toBinary(RecordRequestSchema, request)),
        requestDeserialize: (bytes) => fromBinary(RecordRequestSchema, bytes),
        responseSerialize: (response) => toBuffer(toBinary(RecordResponseSchema, response)),
        responseDeserialize: (bytes) => fromBinary(RecordResponseSchema, bytes),
      },
    },
    implementation: { Record: (call) => void answer(service, call) },
  };
}

async function answer(service: RecorderService, call: GrpcJsRecordCall): Promise<void> {
  const controller = new AbortController();
  const onGone = () => controller.abort(new RpcError("CANCELLED", "the client has cancelled the call"));
  call.once("cancelled", onGone);
  call.once("close", onGone);
  if (call.cancelled) onGone();
  try {
    const responses = service.record(requestsOf(call), { signal: controller.signal, peer: peerOf(call) });
    for await (const response of responses) {
      if (!call.write(response)) await untilDrained(call, controller.signal);
    }
    call.end();
  } catch (error) {
    call.emit("error", statusOf(error));
  } finally {
    call.off("cancelled", onGone);
    call.off("close", onGone);
  }
}

/**
 * The requests of a call. Node's own iteration of a stream destroys it when it ends or fails, and with it what the
 * responses and the status go out on.
 */
async function* requestsOf(call: GrpcJsRecordCall): AsyncGenerator<RecordRequest, void, undefined> {
  let ended = false;
  let wake: (() => void) | undefined;
  const onReadable = () => wake?.();
  const onEnd = () => {
    ended = true;
    wake?.();
  };
  call.on("readable", onReadable);
  for (const event of ENDS) call.on(event, onEnd);
  try {
    for (;;) {
      const request = call.read();
      if (request !== null)
        yield request as RecordRequest; // As deserialized above.
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    call.off("readable", onReadable);
    for (const event of ENDS) call.off(event, onEnd);
  }
}

/** What comes when there are no more requests. */
const ENDS = ["end", "close", "error"];

function statusOf(error: unknown): { code: number; details: string } {
  return error instanceof RpcError
    ? { code: RPC_STATUS_NUMBERS[error.status], details: boundedMessage(error.message) }
    : { code: RPC_STATUS_NUMBERS.INTERNAL, details: "internal error" };
}

/** Waits until the client has taken what was written, or is gone. */
function untilDrained(call: EventEmitter, signal: AbortSignal): Promise<void> {
  let onDrain = () => {};
  const drained = new Promise<void>((resolve) => {
    onDrain = resolve;
  });
  call.on("drain", onDrain);
  return unlessAborted(drained, signal).finally(() => call.off("drain", onDrain));
}

function peerOf(call: GrpcJsRecordCall): RpcPeer {
  return {
    address: call.getPeer(),
    // grpc-js lets a call through without a checked certificate only when it was told not to check.
    identities: identitiesOf(call.getAuthContext?.().sslPeerCertificate),
    header: (name) => {
      const values = call.metadata.get(name);
      return values.length === 0 ? undefined : values.map(String).join(", ");
    },
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
