import type { MessageInitShape } from "@bufbuild/protobuf";
import { ConfigurationError, type Issue } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import type { StopCondition, StopConditionJson, StopConditionSchema } from "../gen/recorder/recorder_pb.js";
import { DURATION } from "../message/duration.js";
import { readMessage } from "../message/read.js";
import { type MessageType, messageOf, messageType, UINT64 } from "../message/type.js";
import { capturedBytes, type PacketBatch, RECORD_HEADER_LENGTH, recordEnd } from "../packet/batch.js";

/** The limit that ended a recording. */
export type StopLimit = "bytes" | "packets" | "time";

/** `recorder.StopCondition`, as a message or as an init object. */
export type StopConditionInit = MessageInitShape<typeof StopConditionSchema>;

/** A {@link StopConditionInit}, or parsed protobuf JSON. */
export type StopConditionInput = StopConditionInit | StopConditionJson;

/** `recorder.StopCondition`, without its descriptor, which would load protobuf-es. */
export const STOP_CONDITION: MessageType = messageType<StopCondition>("StopCondition", {
  bytesCapturedCount: UINT64,
  packetsCapturedCount: UINT64,
  timeElapsed: messageOf(DURATION),
});

/**
 * Tracks what has been recorded against the limits of a stop condition, as Cilium v1.16.2 does
 * (pkg/hubble/recorder/sink). A limit of 0 means no limit. The first limit reached stops the recording. Bytes and
 * packets are compared with ≥ after each packet, so the bytes may exceed the limit by less than one packet. Bytes are
 * captured bytes without headers.
 */
export class StopTracker {
  readonly #maxBytes: number;
  readonly #maxPackets: number;
  #bytes = 0;
  #packets = 0;
  #reached: StopLimit | undefined;
  /** Duration limit in milliseconds. A negative one is reached immediately; undefined means no limit. */
  readonly timeLimitMs: number | undefined;

  /** @throws ConfigurationError `invalid_recording` with every issue of the condition. */
  constructor(condition: StopConditionInput = {}) {
    const { bytesCapturedCount, packetsCapturedCount, timeElapsed } = readCondition(condition);
    this.#maxBytes = limitOf(bytesCapturedCount);
    this.#maxPackets = limitOf(packetsCapturedCount);
    this.timeLimitMs = durationMs(timeElapsed);
  }

  /** The first limit reached. */
  get reached(): StopLimit | undefined {
    return this.#reached;
  }

  /**
   * Whether the byte or packet limit is reached: no further packet is recorded. (After the time limit, received packets
   * are still recorded.)
   */
  get full(): boolean {
    return this.#bytes >= this.#maxBytes || this.#packets >= this.#maxPackets;
  }

  /** Counts the packets of a batch until a limit is reached. Returns how many of them to record. */
  accept(batch: PacketBatch): number {
    if (this.full) return 0;
    const bytes = this.#bytes + capturedBytes(batch);
    const packets = this.#packets + batch.length;
    // Fast path: a batch below all limits needs no check of each packet.
    if (bytes < this.#maxBytes && packets < this.#maxPackets) {
      this.#bytes = bytes;
      this.#packets = packets;
      return batch.length;
    }
    return this.#acceptOneByOne(batch);
  }

  /** Marks {@link timeLimitMs} as reached. */
  reachTimeLimit(): void {
    this.#reached ??= "time";
  }

  #acceptOneByOne(batch: PacketBatch): number {
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

function readCondition(condition: StopConditionInput): StopConditionInit {
  const issues: Issue[] = [];
  const fields = readMessage(STOP_CONDITION, condition, "", {
    report: (path, message) => issues.push(issueOf(path, message)),
  });
  if (issues.length > 0) throw new ConfigurationError("invalid_recording", issues);
  // Every field has the type of its row in the table.
  return fields as StopConditionInit;
}

/** Converts a 64-bit count to a double. No recording reaches 2⁵³, where precision is lost. */
function limitOf(count = 0n): number {
  return count === 0n ? Number.POSITIVE_INFINITY : Number(count);
}

function durationMs(duration: StopConditionInit["timeElapsed"]): number | undefined {
  if (duration === undefined) return undefined;
  const { seconds = 0n, nanos = 0 } = duration;
  const milliseconds = Number(seconds) * 1000 + nanos / 1_000_000;
  return milliseconds === 0 ? undefined : milliseconds;
}
