import type { ValuesOf } from "../../observer/flags/flag-values.js";
import type { PacketFilterInit } from "../../packet/filter-check.js";
import { planRecording, type StartRecordingInit } from "../../recorder/start.js";
import type { RECORD_FLAGS } from "./flags.js";

/** What a recording is bounded by, as the flags of `record` say. */
export type RecordLimits = Required<
  Pick<StartRecordingInit, "filesink" | "maxCaptureLength" | "stopCondition">
>;

/** Stands for "all packets" in a request, whose filters are not looked at for a source that is filtered. */
export const ANY_FILTER: PacketFilterInit = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };

/**
 * As `hubble record` sends them: all three conditions, zeros too. Checked with the filters, whose faults come in the order in
 * which Hubble's server finds them.
 *
 * @param filters None for all packets.
 * @throws ConfigurationError.
 */
export function readRecordLimits(
  flags: Partial<ValuesOf<typeof RECORD_FLAGS>>,
  filters: readonly PacketFilterInit[],
): RecordLimits {
  const milliseconds = flags["time-limit"] ?? 0;
  const seconds = Math.trunc(milliseconds / 1000);
  const limits = {
    filesink: { filePrefix: flags["file-prefix"] ?? "" },
    maxCaptureLength: Number(flags["max-capture-len"] ?? 0n),
    stopCondition: {
      packetsCapturedCount: flags["packet-limit"] ?? 0n,
      bytesCapturedCount: flags["bytes-limit"] ?? 0n,
      timeElapsed: {
        seconds: BigInt(seconds),
        nanos: Math.round((milliseconds - seconds * 1000) * 1_000_000),
      },
    },
  };
  planRecording({ ...limits, include: filters.length === 0 ? [ANY_FILTER] : filters });
  return limits;
}
