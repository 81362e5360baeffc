import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigurationError } from "../../src/errors/errors.js";
import { createBatch, type PacketBatch } from "../../src/packet/index.js";
import { StopConditionSchema } from "../../src/proto.js";
import {
  type StopConditionInit,
  type StopConditionInput,
  type StopLimit,
  StopTracker,
} from "../../src/recorder/index.js";
import { ETHERNET } from "./packets.js";

/** A batch of packets with these captured lengths. */
function batchOf(lengths: readonly number[]): PacketBatch {
  return createBatch(
    ETHERNET,
    lengths.map((length) => ({ bytes: new Uint8Array(length) })),
  );
}

const UINT64_MAX = 2n ** 64n - 1n;

describe("StopTracker: counts", () => {
  test.each<{
    name: string;
    condition: StopConditionInit;
    lengths: number[];
    taken: number;
    reached: StopLimit | undefined;
  }>([
    { name: "no condition never stops", condition: {}, lengths: [10, 20], taken: 2, reached: undefined },
    {
      name: "limits of 0 mean no limit",
      condition: { bytesCapturedCount: 0n, packetsCapturedCount: 0n, timeElapsed: {} },
      lengths: [10, 20],
      taken: 2,
      reached: undefined,
    },
    {
      name: "the packet that makes the count equal is the last",
      condition: { packetsCapturedCount: 2n },
      lengths: [10, 20, 30],
      taken: 2,
      reached: "packets",
    },
    {
      name: "one packet",
      condition: { packetsCapturedCount: 1n },
      lengths: [0, 0],
      taken: 1,
      reached: "packets",
    },
    {
      name: "one packet below the limit goes on",
      condition: { packetsCapturedCount: 4n },
      lengths: [10, 20, 30],
      taken: 3,
      reached: undefined,
    },
    {
      name: "bytes equal to the limit stop",
      condition: { bytesCapturedCount: 30n },
      lengths: [10, 20, 1],
      taken: 2,
      reached: "bytes",
    },
    {
      name: "one byte below the limit goes on, and overshoots with the next packet",
      condition: { bytesCapturedCount: 31n },
      lengths: [10, 20, 1500, 1],
      taken: 3,
      reached: "bytes",
    },
    {
      name: "headers are not counted",
      condition: { bytesCapturedCount: 3n },
      lengths: [1, 1, 1, 1],
      taken: 3,
      reached: "bytes",
    },
    {
      name: "packets without bytes never reach a limit of bytes",
      condition: { bytesCapturedCount: 1n },
      lengths: [0, 0, 0],
      taken: 3,
      reached: undefined,
    },
    {
      name: "packets come first",
      condition: { bytesCapturedCount: 31n, packetsCapturedCount: 2n },
      lengths: [10, 20, 30],
      taken: 2,
      reached: "packets",
    },
    {
      name: "bytes come first",
      condition: { bytesCapturedCount: 10n, packetsCapturedCount: 2n },
      lengths: [10, 20, 30],
      taken: 1,
      reached: "bytes",
    },
    {
      name: "both at the same packet count as bytes",
      condition: { bytesCapturedCount: 30n, packetsCapturedCount: 2n },
      lengths: [10, 20, 30],
      taken: 2,
      reached: "bytes",
    },
    {
      name: "the largest limits that 64 bits hold are never reached",
      condition: { bytesCapturedCount: UINT64_MAX, packetsCapturedCount: UINT64_MAX },
      lengths: [262_144, 262_144],
      taken: 2,
      reached: undefined,
    },
    {
      name: "a condition may be a message",
      condition: create(StopConditionSchema, { packetsCapturedCount: 1n }),
      lengths: [10, 20],
      taken: 1,
      reached: "packets",
    },
  ])("$name", ({ condition, lengths, taken, reached }) => {
    const tracker = new StopTracker(condition);
    expect(tracker.full).toBe(false);
    expect(tracker.accept(batchOf(lengths))).toBe(taken);
    expect(tracker.reached).toBe(reached);
    expect(tracker.full).toBe(reached !== undefined);
  });

  test("accepts no packet after a limit", () => {
    const tracker = new StopTracker({ packetsCapturedCount: 1n });
    tracker.accept(batchOf([1]));
    expect(tracker.accept(batchOf([1, 1]))).toBe(0);
  });

  test("an empty batch changes nothing", () => {
    const tracker = new StopTracker({ packetsCapturedCount: 1n, bytesCapturedCount: 1n });
    expect(tracker.accept(batchOf([]))).toBe(0);
    expect(tracker.full).toBe(false);
  });
});

describe("StopTracker: time", () => {
  test.each<{ name: string; condition: StopConditionInit; milliseconds: number | undefined }>([
    { name: "absent", condition: {}, milliseconds: undefined },
    { name: "an empty duration means no limit", condition: { timeElapsed: {} }, milliseconds: undefined },
    {
      name: "0 means no limit",
      condition: { timeElapsed: { seconds: 0n, nanos: 0 } },
      milliseconds: undefined,
    },
    { name: "seconds", condition: { timeElapsed: { seconds: 5n } }, milliseconds: 5000 },
    {
      name: "seconds and nanoseconds",
      condition: { timeElapsed: { seconds: 1n, nanos: 500_000_000 } },
      milliseconds: 1500,
    },
    { name: "one nanosecond", condition: { timeElapsed: { nanos: 1 } }, milliseconds: 1e-6 },
    { name: "negative seconds", condition: { timeElapsed: { seconds: -1n } }, milliseconds: -1000 },
    { name: "negative nanoseconds", condition: { timeElapsed: { nanos: -1_000_000 } }, milliseconds: -1 },
    {
      name: "the longest duration of 64 bits",
      condition: { timeElapsed: { seconds: 2n ** 63n - 1n } },
      milliseconds: 2 ** 63 * 1000,
    },
  ])("$name", ({ condition, milliseconds }) => {
    expect(new StopTracker(condition).timeLimitMs).toBe(milliseconds);
  });

  test("accepts packets after the time limit, up to the counts, and keeps the time as the reached limit", () => {
    const tracker = new StopTracker({ packetsCapturedCount: 2n, timeElapsed: { seconds: 1n } });
    tracker.reachTimeLimit();
    expect(tracker.reached).toBe("time");
    expect(tracker.full).toBe(false);
    expect(tracker.accept(batchOf([1, 1, 1]))).toBe(2);
    expect(tracker.full).toBe(true);
    expect(tracker.reached).toBe("time");
  });

  test("keeps a count that was reached before the time as the reached limit", () => {
    const tracker = new StopTracker({ packetsCapturedCount: 1n, timeElapsed: { seconds: 1n } });
    tracker.accept(batchOf([1]));
    tracker.reachTimeLimit();
    expect(tracker.reached).toBe("packets");
  });
});

describe("StopTracker: forms of a condition", () => {
  test.each<{ form: string; condition: StopConditionInput }>([
    {
      form: "a message",
      condition: create(StopConditionSchema, {
        packetsCapturedCount: 2n,
        timeElapsed: { seconds: 1n, nanos: 500_000_000 },
      }),
    },
    {
      form: "an init object",
      condition: { packetsCapturedCount: 2n, timeElapsed: { seconds: 1n, nanos: 500_000_000 } },
    },
    { form: "protobuf JSON", condition: { packetsCapturedCount: "2", timeElapsed: "1.5s" } },
    {
      form: "protobuf JSON with the names of the proto file",
      // Accepted, although the type has the names of TypeScript only.
      condition: { packets_captured_count: 2, time_elapsed: "1.5s", bytes_captured_count: null } as object,
    },
  ])("$form", ({ condition }) => {
    const tracker = new StopTracker(condition);
    expect(tracker.timeLimitMs).toBe(1500);
    expect(tracker.accept(batchOf([1, 1, 1]))).toBe(2);
  });

  test.each<{ name: string; condition: unknown; issues: readonly [path: string, message: string][] }>([
    { name: "a string", condition: "1s", issues: [["", 'must be a StopCondition, not "1s"']] },
    {
      name: "an unknown field",
      condition: { packetsCount: 1n },
      issues: [["packetsCount", "is not a field of StopCondition; did you mean packetsCapturedCount?"]],
    },
    {
      name: "values of another type",
      condition: { bytesCapturedCount: -1, packetsCapturedCount: 1.5, timeElapsed: { seconds: "1s" } },
      issues: [
        ["bytes_captured_count", "must be an integer from 0 to 18446744073709551615, not -1"],
        ["packets_captured_count", "must be an integer, not 1.5"],
        ["time_elapsed.seconds", 'must be an integer, not "1s"'],
      ],
    },
  ])("rejects $name", ({ condition, issues }) => {
    // A caller without types.
    const construct = () => new StopTracker(condition as StopConditionInput);
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(
      expect.objectContaining({
        code: "invalid_recording",
        issues: issues.map(([path, message]) => ({ path, message })),
      }),
    );
  });
});

describe("StopTracker: batches", () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60 });
  const limit = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 8000 }));

  /** Upstream's way: after each packet, both counts are compared. */
  function naive(all: readonly number[], maxBytes: number, maxPackets: number): [number, number, StopLimit?] {
    let packets = 0;
    let bytes = 0;
    for (const length of all) {
      packets++;
      bytes += length;
      if (maxBytes > 0 && bytes >= maxBytes) return [packets, bytes, "bytes"];
      if (maxPackets > 0 && packets >= maxPackets) return [packets, bytes, "packets"];
    }
    return [packets, bytes];
  }

  test("accepts the same packets however they are split into batches", () => {
    fc.assert(
      fc.property(lengths, fc.array(fc.nat(12)), limit, limit, (all, sizes, maxBytes, maxPackets) => {
        const tracker = new StopTracker({
          bytesCapturedCount: BigInt(maxBytes),
          packetsCapturedCount: BigInt(maxPackets),
        });
        const [packets, bytes, reached] = naive(all, maxBytes, maxPackets);
        let taken = 0;
        for (let at = 0, batch = 0; at < all.length; batch++) {
          // Empty batches occur, then all the rest comes at once.
          const size = sizes[batch] ?? all.length;
          taken += tracker.accept(batchOf(all.slice(at, at + size)));
          at += size;
        }
        expect(taken).toBe(packets);
        expect(tracker.reached).toBe(reached);
        expect(tracker.full).toBe(reached !== undefined);
        // Overshoots by less than a packet.
        if (reached === "bytes") expect(bytes - all[packets - 1]!).toBeLessThan(maxBytes);
      }),
    );
  });
});
