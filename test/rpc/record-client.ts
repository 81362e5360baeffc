import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  RecordRequestSchema,
  type RecordResponse,
  RecordResponseSchema,
} from "../../src/gen/recorder/recorder_pb.js";

/** The Record call of grpc-js, a client that is independent of the servers under test. */
export interface RecordClient extends Disposable {
  send(request: MessageInitShape<typeof RecordRequestSchema>["requestType"]): void;
  sendBytes(bytes: Uint8Array): void;
  halfClose(): void;
  cancel(): void;
  /** The next response; undefined at the end. */
  next(): Promise<RecordResponse | undefined>;
  /** How the call ended: `OK`, or the name of the code. */
  readonly ended: Promise<{ readonly code: string; readonly details: string }>;
  /** Waits until the counts have come that far. */
  untilPackets(count: number): Promise<void>;
}

export function recordClient(
  address: string,
  {
    credentials = grpc.credentials.createInsecure(),
    options = {},
    deadlineMs,
  }: { credentials?: grpc.ChannelCredentials; options?: grpc.ChannelOptions; deadlineMs?: number } = {},
): RecordClient {
  const client = new grpc.Client(address.replace("tls://", ""), credentials, options);
  const call: grpc.ClientDuplexStream<Uint8Array, RecordResponse> = client.makeBidiStreamRequest(
    "/recorder.Recorder/Record",
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => fromBinary(RecordResponseSchema, bytes),
    deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs },
  );
  const ended = new Promise<{ code: string; details: string }>((resolve) => {
    call.on("status", ({ code, details }) => resolve({ code: grpc.status[code] ?? String(code), details }));
  });
  call.on("error", () => {}); // `ended` tells.
  const responses: RecordResponse[] = [];
  let over = false;
  let wake: (() => void) | undefined;
  call.on("data", (response: RecordResponse) => {
    responses.push(response);
    wake?.();
  });
  void ended.then(() => {
    over = true;
    wake?.();
  });

  async function next(): Promise<RecordResponse | undefined> {
    while (responses.length === 0 && !over) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return responses.shift();
  }

  return {
    send: (requestType) => {
      const request = create(RecordRequestSchema, requestType === undefined ? {} : { requestType });
      call.write(toBinary(RecordRequestSchema, request));
    },
    sendBytes: (bytes) => call.write(bytes),
    halfClose: () => call.end(),
    cancel: () => call.cancel(),
    next,
    ended,
    untilPackets: async (count) => {
      for (;;) {
        const response = await next();
        if (response === undefined) throw new Error(`ended before ${count} packets`);
        if (Number(response.responseType.value?.stats?.packetsCaptured ?? 0n) >= count) return;
      }
    },
    [Symbol.dispose]: () => client.close(),
  };
}
