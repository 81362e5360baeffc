import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { GetFlowsResponseSchema, ServerStatusResponseSchema } from "../../../src/gen/observer/observer_pb.js";
import { RecordResponseSchema } from "../../../src/gen/recorder/recorder_pb.js";
import { flow } from "../../../src/testing/index.js";

/** The calls that the clients make. */
export const PATHS = {
  flows: "/observer.Observer/GetFlows",
  status: "/observer.Observer/ServerStatus",
  record: "/recorder.Recorder/Record",
  health: "/grpc.health.v1.Health/Check",
} as const;

export type CallName = keyof typeof PATHS;

/** 2023-11-14, in milliseconds since 1970. */
const START_MS = 1_700_000_000_000;

/** A flow response, encoded. Its pod has the name, and so has its UUID. */
export function flowResponse(name: string, timeMs: number): Uint8Array {
  const time = timestampFromMs(timeMs);
  const nodeName = "default/peer";
  const value = flow({ from: `shop/${name}`, uuid: name, time, nodeName });
  return toBinary(
    GetFlowsResponseSchema,
    create(GetFlowsResponseSchema, { nodeName, time, responseTypes: { case: "flow", value } }),
  );
}

/** What a proper server answers to each call, encoded. */
export const ANSWERS: { readonly [K in CallName]: readonly Uint8Array[] } = {
  flows: ["a", "b", "c"].map((name, second) => flowResponse(name, START_MS + 1000 * second)),
  status: [
    toBinary(
      ServerStatusResponseSchema,
      create(ServerStatusResponseSchema, { numFlows: 3n, maxFlows: 4095n, version: "1.16.2" }),
    ),
  ],
  record: (
    [
      { case: "running", value: { stats: { packetsCaptured: 1n, bytesCaptured: 60n } } },
      {
        case: "stopped",
        value: {
          stats: { packetsCaptured: 2n, bytesCaptured: 120n },
          filesink: { filePath: "/tmp/peer.pcap" },
        },
      },
    ] as const
  ).map((responseType) =>
    toBinary(RecordResponseSchema, create(RecordResponseSchema, { nodeName: "default/peer", responseType })),
  ),
  // HealthCheckResponse with status SERVING.
  health: [Uint8Array.of(0x08, 0x01)],
};
