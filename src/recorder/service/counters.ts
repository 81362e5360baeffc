import type { RecordingStats } from "../stats.js";

/** Totals of a recorder service. */
export interface RecorderCounters {
  /** Calls at this moment. */
  readonly calls: number;
  /** Recordings at this moment, those that are being opened or closed included. */
  readonly running: number;
  /** Recordings that ended well. */
  readonly stopped: number;
  /** Recordings that ended with an error: those of the client, the source and the sink. */
  readonly failed: number;
  /** Calls that came to no recording. */
  readonly refused: number;
  readonly packetsCaptured: number;
  readonly bytesCaptured: number;
  readonly packetsLostInQueue: number;
  readonly bytesLostInQueue: number;
  readonly packetsLostInKernel: number;
  /** What counts against `maxStoredBytes`. */
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

/** The totals with those of one recording added. */
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
