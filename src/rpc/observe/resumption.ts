import type { GetFlowsRequest, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import type { FieldTree } from "../../message/field-tree.js";
import { fromNanoseconds, toNanoseconds } from "../../message/timestamp.js";

/** Maximum number of flows remembered to detect repeats. */
export const MAX_REMEMBERED = 16_384;

/**
 * How far before the latest flow to resume: Relay merges the flows of its nodes, which may be about a second out of
 * order.
 */
export const OVERLAP_MS = 2000;

const NANOSECONDS_PER_MS = 1_000_000n;

/**
 * Tracks a stream of flows so that it can be resumed after a failure: from shortly before the latest flow, but not
 * before the start of the original request, and without the flows already seen.
 */
export class Resumption {
  readonly #request: GetFlowsRequest;
  /** Time of the first request, in nanoseconds since 1970 by the clock of this machine. */
  readonly #begun: bigint;
  /** Keys of the flows seen, in order of arrival, with their times. */
  readonly #seen = new Map<string, bigint>();
  #earliest: bigint | undefined;
  #latest: bigint | undefined;
  /** Latest time of the evicted flows: whether a flow before it was seen is unknown. */
  #forgotten: bigint | undefined;
  #flows = 0n;
  #resumed = false;

  constructor(request: GetFlowsRequest, nowMs: number) {
    this.#request = request;
    this.#begun = BigInt(Math.floor(nowMs)) * NANOSECONDS_PER_MS;
  }

  /** Returns whether a response is new, and remembers it. */
  accept(response: GetFlowsResponse): boolean {
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

  /** Whether the requested number of flows has arrived. */
  get isComplete(): boolean {
    const { number, follow } = this.#request;
    return !follow && number > 0n && this.#flows >= number;
  }

  /** Returns the request that resumes the stream. */
  resume(): GetFlowsRequest {
    const { number, follow } = this.#request;
    this.#resumed = true;
    if (this.#latest === undefined) {
      if (!this.#isForNewFlows) return this.#request;
      // From the time of the first request, to include flows from while there was no connection.
      return { ...this.#request, since: fromNanoseconds(this.#begun) };
    }
    const from = this.#resumeTime(this.#latest);
    // The server sends the flows already seen again, and they count towards `number`.
    const left = number === 0n || follow ? 0n : number - this.#flows + BigInt(this.#seenFrom(from));
    return {
      ...this.#request,
      since: fromNanoseconds(from),
      // The first flows from there on; the last ones may have changed by now.
      first: left > 0n,
      number: left,
    };
  }

  /** Whether only flows after the time of the request were requested. */
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

  /** Start time of the original request; undefined if it starts with the oldest flow. */
  #startTime(): bigint | undefined {
    const { number, first, since } = this.#request;
    if (since !== undefined) return toNanoseconds(since);
    // If this clock is ahead of the server's, the earliest flow is a better bound.
    if (this.#isForNewFlows) return earlier(this.#begun, this.#earliest);
    // The last `number` flows, and with `follow` those after them.
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

/** The fields of a response that {@link Resumption} reads. */
export const RESUMPTION_FIELDS: FieldTree = {
  node_name: true,
  time: true,
  lost_events: true,
  flow: {
    ...{ time: true, uuid: true, IP: true, l4: true, verdict: true, Summary: true },
    ...{ source: { pod_name: true }, destination: { pod_name: true } },
  },
};

/** A key that identifies a flow: its UUID, which Hubble always sets, or other fields if a field mask excludes it. */
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
  return at && toNanoseconds(at);
}

function earlier(time: bigint, other: bigint | undefined): bigint {
  return other !== undefined && other < time ? other : time;
}
