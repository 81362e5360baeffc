import type { ValuesOf } from "../../observer/flags/flag-values.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import { planRecording, type StartRecordingInit } from "../../recorder/start.js";
import type { RECORD_FLAGS } from "./flags.js";

/** File prefix, snap length and stop condition of a recording, from the flags of `record`. */
export type RecordLimits = Required<
  Pick<StartRecordingInit, "filesink" | "maxCaptureLength" | "stopCondition">
>;

/**
 * Placeholder for "all packets" in a request. The filters of a request are not applied to a source that is already
 * filtered.
 */
export const ANY_FILTER: PacketFilterInit = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };

/**
 * Parses the limits in the form that `hubble record` sends: all three conditions, including zeros. Validates them
 * together with the filters, so that faults are reported in the order of Hubble's server.
 *
 * @param filters Empty for all packets.
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
