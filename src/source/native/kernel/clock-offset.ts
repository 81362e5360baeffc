import type { Libc } from "./libc.js";

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const ATTEMPTS = 20;

/** Measures the offset from the monotonic clock to the wall clock, in nanoseconds. */
export function measureClockOffset(libc: Libc): bigint {
  const time = new BigInt64Array(2);
  const now = (clock: number) => {
    libc.clock_gettime(clock, time);
    return time[0]! * 1_000_000_000n + time[1]!;
  };
  let shortest: bigint | undefined;
  let offset = 0n;
  // Use the smallest of several intervals: the wall clock was read near the middle between two monotonic readings.
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = now(CLOCK_MONOTONIC);
    const wall = now(CLOCK_REALTIME);
    const after = now(CLOCK_MONOTONIC);
    if (shortest !== undefined && after - before >= shortest) continue;
    shortest = after - before;
    offset = wall - (before + after) / 2n;
  }
  return offset;
}
