import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { checkArgument } from "../errors/check-argument.js";
import { optionsOf } from "../errors/check-options.js";
import { aBoolean, aCount, anIterable, anObject, checkedElsewhere } from "../errors/value-checks.js";
import {
  compileFlowFilters,
  type FlowFilterLists,
  type FlowFilterOptions,
  type FlowPredicate,
} from "../filter/index.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { FlagError, type FlowFlags } from "./flags/index.js";

/** The maximum for `--last`, because these responses are buffered until the stream ends. */
export const MAX_LAST = 1_000_000;

/** The maximum number of responses per batch for `--last`. */
const BATCH_LENGTH = 1024;

/** Selects responses: the result of `parseFlowFlags`, or a part of it. */
export type FlowSelection = FlowFilterLists & Pick<FlowFlags, "number" | "first" | "since" | "until">;

/** The parts of a response that are used: its event and its own time. */
export type Selectable = Pick<GetFlowsResponse | ExportEvent, "responseTypes" | "time">;

/** Also accepts the other properties of the result of `parseFlowFlags`. */
const A_SELECTION = optionsOf<FlowSelection & Partial<Omit<FlowFlags, "allow" | "deny">>>("selection", {
  // Checked when they are compiled.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  number: aCount,
  first: aBoolean,
  since: anObject,
  until: anObject,
  follow: checkedElsewhere,
  positionals: checkedElsewhere,
  extra: checkedElsewhere,
});

/**
 * Selects responses as `hubble observe --input-file` does: yields those within the time range, bounds included, that
 * pass the filters, limited to the first or last `number`. Keeps their order. The time is that of the response, not of
 * the flow; a response without a time counts as 1970. Filters only receive flows; every other event is passed to them
 * as undefined.
 *
 * Does not read ahead. Without a number, responses are yielded as they arrive. With `first`, it stops pulling as soon
 * as the number is reached. Otherwise the last responses (at most {@link MAX_LAST}) are buffered and yielded at the end
 * of the stream; if the stream fails, its error is thrown after them.
 *
 * @throws FilterError for filters that do not compile; FlagError for more than {@link MAX_LAST}; OptionsError;
 *   TypeError for another invalid argument. All are thrown by the call itself.
 */
export function selectFlows<T extends Selectable>(
  batches: AsyncIterable<readonly T[]>,
  selection: FlowSelection,
  options: FlowFilterOptions = {},
): AsyncGenerator<T[], void, undefined> {
  checkArgument("selectFlows", "batches", batches, anIterable);
  checkArgument("selectFlows", "selection", selection, A_SELECTION);
  const { allow = [], deny = [], number = 0n, first = false } = selection;
  const passes = compilePasses(selection, compileFlowFilters({ allow, deny }, options));
  if (number === 0n || number === ALL) return selectAll(batches, passes);
  if (first) return selectFirst(batches, passes, number);
  if (number > BigInt(MAX_LAST)) throw new FlagError(`--last must be <= 1_000_000, got ${number}`, "last");
  return selectLast(batches, passes, Number(number));
}

const ALL = 2n ** 64n - 1n;

type Passes = (response: Selectable) => boolean;

function compilePasses({ since, until }: FlowSelection, matches: FlowPredicate): Passes {
  return ({ time, responseTypes }) => {
    if (since !== undefined && isBefore(time, since)) return false;
    if (until !== undefined && isBefore(until, time)) return false;
    return matches(responseTypes.case === "flow" ? responseTypes.value : undefined);
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
