import type { CaptureRing } from "../ring/capture-ring.js";

/**
 * Counts of a flight recorder. Every packet that was seen is in the ring, expired, written or lost:
 * `packetsSeen = packetsInRing + packetsExpired + packetsWritten + packetsLost`, at any time.
 */
export interface FlightStats {
  /** Packets that the source has yielded. */
  readonly packetsSeen: number;
  /** In the ring, and not yet written. */
  readonly packetsInRing: number;
  /** Removed from the ring, and in no capture. */
  readonly packetsExpired: number;
  /** Written to the first capture that wanted it; a packet counts once. */
  readonly packetsWritten: number;
  /** Wanted by a capture whose sink had failed; a packet counts once, even if a later capture contains it. */
  readonly packetsLost: number;
  /** Packets that the source has dropped since the recorder began. */
  readonly packetsLostInKernel: number;
  /** What the ring holds, including packets that were written. */
  readonly ring: { readonly packets: number; readonly bytes: number };
  /** Triggers that began or extended a capture. */
  readonly triggers: number;
  /** Triggers without effect because of `maxPerMinute`, or because 10,000 others were waiting. */
  readonly triggersLimited: number;
  /** Captures that have begun. */
  readonly captures: number;
  readonly capturesFailed: number;
}

/** What happens to packets, counted one by one: a test compares the sum. */
export class PacketCounts {
  seen = 0;
  /** In the ring and in no capture. */
  inRing = 0;
  expired = 0;
  written = 0;
  lost = 0;
}

/** How many captures and triggers there were. */
export interface CaptureCounts {
  readonly begun: number;
  readonly failed: number;
  readonly triggers: number;
  readonly limited: number;
}

/** @param discarded Triggers beyond those that can wait. */
export function statsOf(
  { seen, inRing, expired, written, lost }: PacketCounts,
  ring: CaptureRing,
  { begun, failed, triggers, limited }: CaptureCounts,
  lostInKernel: number,
  discarded: number,
): FlightStats {
  return {
    packetsSeen: seen,
    packetsInRing: inRing,
    packetsExpired: expired,
    packetsWritten: written,
    packetsLost: lost,
    packetsLostInKernel: lostInKernel,
    ring: { packets: ring.packets, bytes: ring.usedBytes },
    triggers,
    triggersLimited: limited + discarded,
    captures: begun,
    capturesFailed: failed,
  };
}
