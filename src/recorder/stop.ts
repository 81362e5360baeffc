import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import type { StopConditionSchema } from "../gen/recorder/recorder_pb.js";
import { capturedBytes, type PacketBatch, RECORD_HEADER_LENGTH, recordEnd } from "../packet/batch.js";
import { checkStopCondition } from "./stop-check.js";

/** The limit that a recording has reached. */
export type StopLimit = "bytes" | "packets" | "time";

/** `recorder.StopCondition`, as a message or as an init object. */
export type StopConditionInit = MessageInitShape<typeof StopConditionSchema>;

/**
 * Counts what has been recorded against the limits of a stop condition, as Cilium v1.16.2 does
 * (pkg/hubble/recorder/sink): limits of 0 are none, the first one reached stops, and bytes and packets are looked at
 * after each packet with ≥, so that bytes may overshoot by less than a packet. Bytes are captured bytes without headers.
 */
export class StopTracker {
  readonly #maxBytes: number;
  readonly #maxPackets: number;
  #bytes = 0;
  #packets = 0;
  #reached: StopLimit | undefined;
  /** How long to record; at or below 0 the time is up at once; undefined for as long as it takes. */
  readonly timeLimitMs: number | undefined;

  /** @throws ConfigurationError `invalid_recording` for a condition with faults. */
  constructor(condition: StopConditionInit = {}) {
    const issues: Issue[] = [];
    checkStopCondition(condition, (path, message) => issues.push(issueOf(path, message)));
    if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
    this.#maxBytes = limitOf(condition.bytesCapturedCount);
    this.#maxPackets = limitOf(condition.packetsCapturedCount);
    this.timeLimitMs = durationMs(condition.timeElapsed);
  }

  /** The limit reached first. */
  get reached(): StopLimit | undefined {
    return this.#reached;
  }

  /** Whether a count has reached its limit: not one packet more. (When time is up, what has arrived is still taken.) */
  get full(): boolean {
    return this.#bytes >= this.#maxBytes || this.#packets >= this.#maxPackets;
  }

  /** Counts the packets of a batch until a limit is reached; returns how many there are to record. */
  take(batch: PacketBatch): number {
    if (this.full) return 0;
    const bytes = this.#bytes + capturedBytes(batch);
    const packets = this.#packets + batch.length;
    // A batch that reaches no limit needs no look at its packets.
    if (bytes < this.#maxBytes && packets < this.#maxPackets) {
      this.#bytes = bytes;
      this.#packets = packets;
      return batch.length;
    }
    return this.#takeOneByOne(batch);
  }

  /** Says that {@link timeLimitMs} has passed. */
  timeUp(): void {
    this.#reached ??= "time";
  }

  #takeOneByOne(batch: PacketBatch): number {
    for (let index = 0; index < batch.length; index++) {
      this.#bytes += recordEnd(batch, index) - batch.offsets[index]! - RECORD_HEADER_LENGTH;
      this.#packets++;
      if (this.full) {
        this.#reached ??= this.#bytes >= this.#maxBytes ? "bytes" : "packets";
        return index + 1;
      }
    }
    return batch.length;
  }
}

/** 64 bits as a double: beyond 2⁵³ no recording gets. */
function limitOf(count: bigint | undefined): number {
  // Also a plain 0, which JavaScript programs write.
  return Number(count ?? 0) === 0 ? Number.POSITIVE_INFINITY : Number(count);
}

function durationMs(duration: StopConditionInit["timeElapsed"]): number | undefined {
  if (duration === undefined) return undefined;
  const { seconds = 0n, nanos = 0 } = duration;
  const milliseconds = Number(seconds) * 1000 + nanos / 1_000_000;
  return milliseconds === 0 ? undefined : milliseconds;
}
