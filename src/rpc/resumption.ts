import { create } from "@bufbuild/protobuf";
import { TimestampSchema, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { GetFlowsRequest, GetFlowsResponse } from "../gen/observer/observer_pb.js";

/** Flows remembered, so as not to hand them out again. */
export const MAX_REMEMBERED = 16_384;

/**
 * How far before the latest flow to ask again: Relay merges the flows of its nodes, which come up to a second or so out of
 * order.
 */
export const OVERLAP_MS = 2000;

const NANOSECONDS_PER_MS = 1_000_000n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/**
 * Keeps account of a stream of flows so that it can be asked for anew where it broke off: from a little before the latest
 * flow, without those that have been seen.
 */
export class Resumption {
  readonly #request: GetFlowsRequest;
  /** When a stream of new flows was asked for first, in milliseconds since 1970. */
  readonly #begunMs: number;
  /** Flows seen, in the order in which they came, with their times. */
  readonly #seen = new Map<string, bigint>();
  #latest: bigint | undefined;
  /** The latest time of those forgotten: what is not later cannot be told from what has been seen. */
  #forgotten: bigint | undefined;
  #flows = 0n;
  #resumed = false;

  constructor(request: GetFlowsRequest, nowMs: number) {
    this.#request = request;
    this.#begunMs = nowMs;
  }

  /** Whether a response is one to hand out; notes it, if so. */
  take(response: GetFlowsResponse): boolean {
    if (response.responseTypes.case !== "flow") return true;
    const key = keyOf(response);
    if (this.#resumed && this.#seen.has(key)) return false;
    this.#flows++;
    const time = timeOf(response);
    if (time === undefined) return true;
    if (this.#latest === undefined || time > this.#latest) this.#latest = time;
    this.#seen.set(key, time);
    if (this.#seen.size > MAX_REMEMBERED) this.#forgetOldest();
    return true;
  }

  /** Whether the server owes nothing more: the number asked for is there. */
  get isComplete(): boolean {
    const { number, follow } = this.#request;
    return !follow && number > 0n && this.#flows >= number;
  }

  /** What to ask for now. */
  resume(): GetFlowsRequest {
    const { number, follow, since } = this.#request;
    this.#resumed = true;
    if (this.#latest === undefined) {
      if (!follow || number > 0n || since !== undefined) return this.#request;
      // From when they were first asked for: what happened while there was no connection belongs to them.
      return { ...this.#request, since: timestampFromMs(this.#begunMs) };
    }
    const from = this.#resumeTime(this.#latest);
    // Those seen are sent again, and count for the server.
    const left = number === 0n || follow ? 0n : number - this.#flows + BigInt(this.#seenFrom(from));
    return {
      ...this.#request,
      since: create(TimestampSchema, {
        seconds: from / NANOSECONDS_PER_SECOND,
        nanos: Number(from % NANOSECONDS_PER_SECOND),
      }),
      // The next ones from there on: the last ones would by now be others.
      first: left > 0n,
      number: left,
    };
  }

  #resumeTime(latest: bigint): bigint {
    let from = latest - BigInt(OVERLAP_MS) * NANOSECONDS_PER_MS;
    if (this.#forgotten !== undefined && from < this.#forgotten) from = this.#forgotten;
    const { since } = this.#request;
    if (since !== undefined) {
      const asked = since.seconds * NANOSECONDS_PER_SECOND + BigInt(since.nanos);
      if (from < asked) from = asked;
    }
    return from < 0n ? 0n : from;
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

/** What tells a flow from all others: its UUID, which Hubble gives every flow; with a field mask without it, what there is. */
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
  return at && at.seconds * NANOSECONDS_PER_SECOND + BigInt(at.nanos);
}
