import type { RecordingStats } from "../stats.js";

/** Totals of a recorder service. */
export interface RecorderCounters {
  /** Current calls. */
  readonly calls: number;
  /** Current recordings, including those that are opening or closing. */
  readonly running: number;
  /** Recordings that ended gracefully. */
  readonly stopped: number;
  /** Recordings that ended with an error of the client, the source or the sink. */
  readonly failed: number;
  /** Calls that ended before a recording started. */
  readonly refused: number;
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  readonly packetsLostInQueue: number;
  readonly bytesLostInQueue: number;
  readonly packetsLostInKernel: number;
  /** Bytes that count towards `maxStoredBytes`. */
  readonly storedBytes: number;
}

export const NO_TOTALS: RecorderCounters = {
  calls: 0,
  running: 0,
  stopped: 0,
  failed: 0,
  refused: 0,
  packetsCaptured: 0,
  bytesCaptured: 0,
  packetsLostInQueue: 0,
  bytesLostInQueue: 0,
  packetsLostInKernel: 0,
  storedBytes: 0,
};

/** Adds the counts of one recording to the totals. */
export function addStats(totals: RecorderCounters, stats: RecordingStats | undefined): RecorderCounters {
  if (stats === undefined) return totals;
  return {
    ...totals,
    packetsCaptured: totals.packetsCaptured + stats.packetsCaptured,
    bytesCaptured: totals.bytesCaptured + stats.bytesCaptured,
    packetsLostInQueue: totals.packetsLostInQueue + stats.packetsLostInQueue,
    bytesLostInQueue: totals.bytesLostInQueue + stats.bytesLostInQueue,
    packetsLostInKernel: totals.packetsLostInKernel + stats.packetsLostInKernel,
  };
}
