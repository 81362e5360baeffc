import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type RecordResponse, RecordResponseSchema } from "../../gen/recorder/recorder_pb.js";
import type { RecordingStats } from "../stats.js";

/** Counts as sent over the wire. */
export interface WireStats {
  readonly bytesCaptured: bigint;
  readonly packetsCaptured: bigint;
  /** Lost in the queue and, unlike upstream, in the kernel. */
  readonly packetsLost: bigint;
  /** Lost in the queue only: the kernel does not report the length of lost packets. */
  readonly bytesLost: bigint;
}

export const NO_STATS: WireStats = { bytesCaptured: 0n, packetsCaptured: 0n, packetsLost: 0n, bytesLost: 0n };

export function toWireStats(stats: RecordingStats): WireStats {
  return {
    bytesCaptured: BigInt(stats.bytesCaptured),
    packetsCaptured: BigInt(stats.packetsCaptured),
    packetsLost: BigInt(stats.packetsLostInQueue + stats.packetsLostInKernel),
    bytesLost: BigInt(stats.bytesLostInQueue),
  };
}

export function sameStats(one: WireStats, other: WireStats): boolean {
  return (
    one.packetsCaptured === other.packetsCaptured &&
    one.bytesCaptured === other.bytesCaptured &&
    one.packetsLost === other.packetsLost &&
    one.bytesLost === other.bytesLost
  );
}

export function runningResponse(nodeName: string, nowMs: number, stats: WireStats): RecordResponse {
  return create(RecordResponseSchema, {
    nodeName,
    time: timestampFromMs(nowMs),
    responseType: { case: "running", value: { stats } },
  });
}

export function stoppedResponse(
  nodeName: string,
  nowMs: number,
  stats: WireStats,
  filePath: string,
): RecordResponse {
  return create(RecordResponseSchema, {
    nodeName,
    time: timestampFromMs(nowMs),
    responseType: { case: "stopped", value: { stats, filesink: { filePath } } },
  });
}
