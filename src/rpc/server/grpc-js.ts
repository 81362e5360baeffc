import type { EventEmitter } from "node:events";
import type { PeerCertificate } from "node:tls";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { unlessAborted } from "../../async/abort.js";
import { Wakeup } from "../../async/wakeup.js";
import { checkArgument } from "../../errors/check-argument.js";
import {
  Recorder,
  type RecordRequest,
  RecordRequestSchema,
  type RecordResponse,
  RecordResponseSchema,
} from "../../gen/recorder/recorder_pb.js";
import type { RpcPeer } from "../../recorder/service/context.js";
import { RPC_STATUS_NUMBERS, RpcError } from "../../recorder/service/error.js";
import type { RecorderService } from "../../recorder/service.js";
import { boundedMessage } from "../grpc-message.js";
import { identitiesOf } from "../peer.js";
import { aService } from "./connect-service.js";

/** The part of a call's headers that the adapter needs. */
export interface GrpcJsMetadata {
  /** Returns the values of a header. */
  get(name: string): readonly (string | Buffer)[];
}

/**
 * The part of a call of `@grpc/grpc-js` (`ServerDuplexStream`) that the adapter needs, without loading that package.
 */
export interface GrpcJsRecordCall extends EventEmitter {
  /** Returns the next request, or null if none is available. */
  read(): unknown;
  readonly cancelled: boolean;
  /** Headers by name. */
  readonly metadata: GrpcJsMetadata;
  /** Returns the client's address. */
  getPeer(): string;
  /** Returns the TLS properties of the client. */
  getAuthContext?(): { readonly sslPeerCertificate?: PeerCertificate };
  /** Sends a response; returns false if the writer should wait for `drain`. */
  write(response: RecordResponse): boolean;
  /** Ends the call successfully. */
  end(): void;
}

/** The arguments for `addService` of a grpc-js server: `server.addService(definition, implementation)`. */
export interface GrpcJsService {
  readonly definition: {
    readonly Record: {
      readonly path: string;
      readonly requestStream: true;
      readonly responseStream: true;
      /** Encodes a request (used by clients). */
      readonly requestSerialize: (request: RecordRequest) => Buffer;
      /** Decodes a request. */
      readonly requestDeserialize: (bytes: Buffer) => RecordRequest;
      /** Encodes a response. */
      readonly responseSerialize: (response: RecordResponse) => Buffer;
      /** Decodes a response (used by clients). */
      readonly responseDeserialize: (bytes: Buffer) => RecordResponse;
    };
  };
  /** The handlers by method name. */
  readonly implementation: {
    /** Handles a call. */
    readonly Record: (call: GrpcJsRecordCall) => void;
  };
}

/**
 * Creates the Recorder service for a server of `@grpc/grpc-js`. Create that server with
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
 * Yields the requests of a call. Node's own iteration over a stream would destroy it at the end or on failure, and with
 * it the channel for responses and status.
 */
async function* requestsOf(call: GrpcJsRecordCall): AsyncGenerator<RecordRequest, void, undefined> {
  let ended = false;
  const changed = new Wakeup();
  const onReadable = () => changed.wake();
  const onEnd = () => {
    ended = true;
    changed.wake();
  };
  call.on("readable", onReadable);
  for (const event of ENDS) call.on(event, onEnd);
  try {
    for (;;) {
      const request = call.read();
      if (request !== null)
        yield request as RecordRequest; // True because requestDeserialize returns nothing else.
      else if (ended) return;
      else await changed.wait();
    }
  } finally {
    call.off("readable", onReadable);
    for (const event of ENDS) call.off(event, onEnd);
  }
}

/** Events after which no more requests follow. */
const ENDS = ["end", "close", "error"];

function statusOf(error: unknown): { code: number; details: string } {
  return error instanceof RpcError
    ? { code: RPC_STATUS_NUMBERS[error.status], details: boundedMessage(error.message) }
    : { code: RPC_STATUS_NUMBERS.INTERNAL, details: "internal error" };
}

/** Waits until the write buffer is drained or the client has disconnected. */
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
    // grpc-js accepts calls without a verified certificate only if it is configured not to verify.
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
