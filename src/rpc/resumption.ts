import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { GetFlowsRequest, GetFlowsResponse } from "../gen/observer/observer_pb.js";

/** Flows remembered, so that none is yielded twice. */
export const MAX_REMEMBERED = 16_384;

/**
 * How far before the latest flow to ask again: Relay merges the flows of its nodes, which come up to a second or so out of
 * order.
 */
export const OVERLAP_MS = 2000;

const NANOSECONDS_PER_MS = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/**
 * Tracks a stream of flows so that it can be requested again where it broke off: from a little before the latest flow, but
 * not from before the start of the first request, and without the flows that have been seen.
 */
export class Resumption {
  readonly #request: GetFlowsRequest;
  /** When the stream was requested first, in nanoseconds since 1970 by the clock of this machine. */
  readonly #begun: bigint;
  /** Flows seen, in the order in which they came, with their times. */
  readonly #seen = new Map<string, bigint>();
  #earliest: bigint | undefined;
  #latest: bigint | undefined;
  /** The latest time of those forgotten: an earlier flow may have been seen or not. */
  #forgotten: bigint | undefined;
  #flows = 0n;
  #resumed = false;

  constructor(request: GetFlowsRequest, nowMs: number) {
    this.#request = request;
    this.#begun = BigInt(Math.floor(nowMs)) * NANOSECONDS_PER_MS;
  }

  /** Whether a response has not been seen yet; remembers it. */
  take(response: GetFlowsResponse): boolean {
    if (response.responseTypes.case !== "flow") return true;
    const key = keyOf(response);
    if (this.#resumed && this.#seen.has(key)) return false;
    this.#flows++;
    const time = timeOf(response);
    if (time === undefined) return true;
    if (this.#latest === undefined || time > this.#latest) this.#latest = time;
    if (this.#earliest === undefined || time < this.#earliest) this.#earliest = time;
    this.#seen.set(key, time);
    if (this.#seen.size > MAX_REMEMBERED) this.#forgetOldest();
    return true;
  }

  /** Whether the requested number of flows is complete. */
  get isComplete(): boolean {
    const { number, follow } = this.#request;
    return !follow && number > 0n && this.#flows >= number;
  }

  /** What to request now. */
  resume(): GetFlowsRequest {
    const { number, follow } = this.#request;
    this.#resumed = true;
    if (this.#latest === undefined) {
      if (!this.#isForNewFlows) return this.#request;
      // From when they were first requested: what happened while there was no connection belongs to them.
      return { ...this.#request, since: timestampOf(this.#begun) };
    }
    const from = this.#resumeTime(this.#latest);
    // The server sends those that were seen once more, and counts them.
    const left = number === 0n || follow ? 0n : number - this.#flows + BigInt(this.#seenFrom(from));
    return {
      ...this.#request,
      since: timestampOf(from),
      // The next ones from there on: the last ones would by now be others.
      first: left > 0n,
      number: left,
    };
  }

  /** Whether flows were requested that come after the request, and no others. */
  get #isForNewFlows(): boolean {
    const { number, follow, first, since } = this.#request;
    return follow && !first && number === 0n && since === undefined;
  }

  #resumeTime(latest: bigint): bigint {
    const overlapping = latest - BigInt(OVERLAP_MS) * NANOSECONDS_PER_MS;
    return [this.#forgotten, this.#startTime(), 0n].reduce<bigint>(
      (from, bound) => (bound !== undefined && bound > from ? bound : from),
      overlapping,
    );
  }

  /** No flow from before was requested; undefined when the request begins with the oldest flow. */
  #startTime(): bigint | undefined {
    const { number, first, since } = this.#request;
    if (since !== undefined) return nanosecondsOf(since);
    // Where this clock is ahead of the server's, the flows themselves say when they began.
    if (this.#isForNewFlows) return earlier(this.#begun, this.#earliest);
    // The last flows, and those after them if the stream follows.
    return number > 0n && !first ? this.#earliest : undefined;
  }

  #seenFrom(from: bigint): number {
    let count = 0;
    for (const time of this.#seen.values()) if (time >= from) count++;
    return count;
  }

  #forgetOldest(): void {
    const [[key, time]] = this.#seen.entries() as unknown as [[string, bigint]];
    this.#seen.delete(key);
    if (this.#forgotten === undefined || time > this.#forgotten) this.#forgotten = time;
  }
}

/** What identifies a flow: its UUID, which Hubble gives every flow; where a field mask leaves it out, what there is. */
function keyOf({ responseTypes, nodeName, time }: GetFlowsResponse): string {
  if (responseTypes.case !== "flow") return "";
  const flow = responseTypes.value;
  if (flow.uuid !== "") return flow.uuid;
  const at = time ?? flow.time;
  const { IP, l4, source, destination, verdict, Summary } = flow;
  const ports = l4?.protocol.case === "TCP" || l4?.protocol.case === "UDP" ? l4.protocol.value : undefined;
  return [
    nodeName,
    at?.seconds,
    at?.nanos,
    IP?.source,
    ports?.sourcePort,
    IP?.destination,
    ports?.destinationPort,
    source?.podName,
    destination?.podName,
    verdict,
    Summary,
  ].join(" ");
}

function timeOf({ responseTypes, time }: GetFlowsResponse): bigint | undefined {
  const at = time ?? (responseTypes.case === "flow" ? responseTypes.value.time : undefined);
  return at && nanosecondsOf(at);
}

function earlier(time: bigint, other: bigint | undefined): bigint {
  return other !== undefined && other < time ? other : time;
}

function nanosecondsOf({ seconds, nanos }: Timestamp): bigint {
  return seconds * NANOSECONDS_PER_SECOND + BigInt(nanos);
}

function timestampOf(nanoseconds: bigint): Timestamp {
  return create(TimestampSchema, {
    seconds: nanoseconds / NANOSECONDS_PER_SECOND,
    nanos: Number(nanoseconds % NANOSECONDS_PER_SECOND),
  });
}
