import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { parseDuration } from "../../go/time/duration.js";
import { type Instant, parseTime } from "../../go/time/time.js";
import { MIN_TIMESTAMP_SECONDS } from "../../message/timestamp-bounds.js";
import { FlagError } from "./flag.js";

const NANOSECONDS = 1_000_000_000n;

/**
 * Parses the value of `--since` or `--until`: a Go duration before now (`-5m` is in the future), or a time as accepted
 * by {@link parseTime}.
 *
 * @throws FlagError with Hubble's error text.
 */
export function readTimeFlag(flag: "since" | "until", text: string, now: () => number): Timestamp {
  const instant = readRelative(text, now) ?? parseTime(text);
  if (instant === undefined) {
    throw new FlagError(`failed to parse the ${flag} time: failed to convert ${text} to time`, flag);
  }
  const { seconds, nanos } = instant;
  if (seconds < MIN_TIMESTAMP_SECONDS) {
    const shown = `seconds:${seconds}${nanos === 0 ? "" : ` nanos:${nanos}`}`;
    const fault = `proto: timestamp (${shown}) before 0001-01-01`;
    throw new FlagError(`failed to convert \`${flag}\` timestamp to proto: ${fault}`, flag);
  }
  return create(TimestampSchema, { seconds, nanos });
}

function readRelative(text: string, now: () => number): Instant | undefined {
  const duration = parseDuration(text);
  if ("fault" in duration) return undefined;
  // Go negates in 64 bits, so the minimum duration stays negative.
  const nanoseconds = BigInt(Math.floor(now())) * 1_000_000n + BigInt.asIntN(64, -duration.value);
  const nanos = ((nanoseconds % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return { seconds: (nanoseconds - nanos) / NANOSECONDS, nanos: Number(nanos) };
}
