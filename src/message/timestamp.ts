import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** Nanoseconds since 1970. */
export function toNanoseconds({ seconds, nanos }: Timestamp): bigint {
  return seconds * NANOSECONDS_PER_SECOND + BigInt(nanos);
}

/** @param nanoseconds Since 1970, not negative. */
export function fromNanoseconds(nanoseconds: bigint): Timestamp {
  return create(TimestampSchema, {
    seconds: nanoseconds / NANOSECONDS_PER_SECOND,
    nanos: Number(nanoseconds % NANOSECONDS_PER_SECOND),
  });
}
