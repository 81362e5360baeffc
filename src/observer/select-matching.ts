import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type FlowEvent, MISSING_FLOW } from "../filter/event.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { FlagError, type FlowFlags } from "./flags/index.js";

/** The maximum for `--last`, because these responses are buffered until the stream ends. */
export const MAX_LAST = 1_000_000;

/** The maximum number of responses per batch for `--last`. */
const BATCH_LENGTH = 1024;

/** Which of the events that match are selected: how many, and from which times. */
export type SelectionLimits = Pick<FlowFlags, "number" | "first" | "since" | "until">;

/** The parts of a response that are used: its event and its own time. */
export type Selectable = Pick<GetFlowsResponse | ExportEvent, "responseTypes" | "time">;

/** Compiled filters. */
export type FlowTest = (event: FlowEvent) => boolean;

const ALL = 2n ** 64n - 1n;

/** {@link selectFlows} with compiled filters: programs without filters need not load what compiles them. */
export function selectMatching<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  limits: SelectionLimits,
  matches: FlowTest,
): AsyncGenerator<T[], void, undefined> {
  const { number = 0n, first = false } = limits;
  const passes = compilePasses(limits, matches);
  if (number === 0n || number === ALL) return selectAll(batches, passes);
  if (first) return selectFirst(batches, passes, number);
  if (number > BigInt(MAX_LAST)) throw new FlagError(`--last must be <= 1_000_000, got ${number}`, "last");
  return selectLast(batches, passes, Number(number));
}

type Passes = (response: Selectable) => boolean;

function compilePasses({ since, until }: SelectionLimits, matches: FlowTest): Passes {
  return ({ time, responseTypes }) => {
    if (since !== undefined && isBefore(time, since)) return false;
    if (until !== undefined && isBefore(until, time)) return false;
    return matches(responseTypes.case === "flow" ? responseTypes.value : MISSING_FLOW);
  };
}

function isBefore(time: Timestamp | undefined, other: Timestamp | undefined): boolean {
  const seconds = time?.seconds ?? 0n;
  const otherSeconds = other?.seconds ?? 0n;
  return seconds === otherSeconds ? (time?.nanos ?? 0) < (other?.nanos ?? 0) : seconds < otherSeconds;
}

async function* selectAll<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  passes: Passes,
): AsyncGenerator<T[], void, undefined> {
  for await (const batch of batches) {
    const selected = batch.filter(passes);
    if (selected.length > 0) yield selected;
  }
}

async function* selectFirst<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  passes: Passes,
  number: bigint,
): AsyncGenerator<T[], void, undefined> {
  let left = number;
  for await (const batch of batches) {
    const selected: T[] = [];
    for (const response of batch) {
      if (!passes(response)) continue;
      selected.push(response);
      if (--left === 0n) break;
    }
    if (selected.length > 0) yield selected;
    if (left === 0n) return;
  }
}

async function* selectLast<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  passes: Passes,
  number: number,
): AsyncGenerator<T[], void, undefined> {
  const ring: T[] = [];
  /** The index of the oldest response, which the next one replaces once the ring is full. */
  let oldest = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const batch of batches) {
      for (const response of batch) {
        if (!passes(response)) continue;
        if (ring.length < number) {
          ring.push(response);
          continue;
        }
        ring[oldest] = response;
        oldest = (oldest + 1) % number;
      }
    }
  } catch (error) {
    failure = { error };
  }
  const inOrder = [...ring.slice(oldest), ...ring.slice(0, oldest)];
  for (let at = 0; at < inOrder.length; at += BATCH_LENGTH) yield inOrder.slice(at, at + BATCH_LENGTH);
  if (failure !== undefined) throw failure.error;
}
