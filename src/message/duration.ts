import type { Duration } from "@bufbuild/protobuf/wkt";
import { INT32, INT64, type MessageType, messageType } from "./type.js";

/** The greatest number of seconds of a `google.protobuf.Duration`: about 10,000 years. */
const MAX_SECONDS = 315_576_000_000n;

/** `google.protobuf.Duration`, in JSON a number of seconds with the suffix `s`. */
export const DURATION: MessageType = messageType<Duration>(
  "Duration",
  { seconds: INT64, nanos: INT32 },
  { expected: 'a duration in seconds, such as "1.5s"', parse: parseDuration },
);

/** Parses the JSON form of a duration. */
function parseDuration(text: string): { seconds: bigint; nanos: number } | undefined {
  const [, sign, whole, fraction = ""] = /^(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?s$/.exec(text) ?? [];
  if (whole === undefined || BigInt(whole) > MAX_SECONDS) return undefined;
  const seconds = BigInt(whole);
  const nanos = Number(fraction.padEnd(9, "0"));
  return sign === "-" ? { seconds: -seconds, nanos: 0 - nanos } : { seconds, nanos };
}
