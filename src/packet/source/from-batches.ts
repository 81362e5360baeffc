import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, fieldsOf, type OptionTable } from "../../errors/check-options.js";
import {
  aFunction,
  aListOf,
  aNumber,
  anInteger,
  anIterable,
  either,
  oneOf,
  required,
  type ValueCheck,
} from "../../errors/value-checks.js";
import { aFormat, checkBatch, type PacketBatch, type PacketFormat } from "../batch.js";
import type { CaptureInterface, PacketSource } from "../source.js";
import { createSource } from "./create-source.js";

/** Options of {@link fromBatches} for live sources, whose packets arrive over time. */
export interface LiveOptions {
  /**
   * Called once to end the source gracefully: yield the packets that have arrived, then end the iteration. Without it
   * the iteration ends at once, and a pending batch is lost.
   */
  readonly stop?: () => void;
  /** Number of packets dropped so far before the source could yield them. */
  readonly dropped?: () => number;
}

const LIVE_OPTIONS: OptionTable<LiveOptions> = { stop: aFunction, dropped: aFunction };

const anInterface: ValueCheck<CaptureInterface> = fieldsOf<
  Pick<CaptureInterface, "linkType" | "resolution" | "snapLength" | "timeOffsetSeconds">
>({
  linkType: required(aNumber),
  resolution: required(oneOf("us", "ns")),
  snapLength: required(anInteger(0)),
  timeOffsetSeconds: anInteger(Number.MIN_SAFE_INTEGER + 1),
});

const aFormatOrInterfaces = either(Array.isArray, aListOf(anInterface), aFormat);

/**
 * Creates a source from batches in memory; yields them unchanged, without copying.
 *
 * @param batches An iterable such as an array, or an async iterable such as a generator. It is iterated once; its
 *   `return` is called if the reader stops early.
 * @param format The format of all packets, or the list of interfaces that `format.interfaceId` of the batches indexes.
 * @param options For live packets: how to stop the source, and how many packets were dropped.
 * @throws OptionsError; TypeError if `batches` or `format` is invalid.
 */
export function fromBatches(
  batches: Iterable<PacketBatch> | AsyncIterable<PacketBatch>,
  format: PacketFormat | readonly CaptureInterface[],
  options: LiveOptions = {},
): PacketSource {
  checkArgument("fromBatches", "batches", batches, anIterable);
  checkArgument("fromBatches", "format", format, aFormatOrInterfaces);
  checkOptions("fromBatches", options, LIVE_OPTIONS);
  const { stop, dropped = () => 0 } = options;
  let interfaces: readonly CaptureInterface[];
  if (isList(format)) {
    interfaces = format;
  } else {
    const { linkType, resolution, snapLength } = format;
    interfaces = [{ linkType, resolution, snapLength }];
  }
  const iterator = iteratorOf(batches);
  let index = 0;
  let ended = false;
  let isWaiting = false;
  let isStopped = false;

  function stopOnce(): void {
    if (isStopped) return;
    isStopped = true;
    stop?.();
  }

  return createSource({
    interfaces,
    pull: async () => {
      isWaiting = true;
      const { done, value } = await iterator.next();
      isWaiting = false;
      ended = done === true;
      if (ended) return undefined;
      // True because only a result at the end has another value.
      const batch = value as PacketBatch;
      checkBatch("fromBatches", batch, index++);
      return batch;
    },
    dropped,
    ...(stop !== undefined && { stop: stopOnce }),
    leave: async () => {
      if (ended) return;
      if (!isWaiting) {
        await iterator.return?.();
        return;
      }
      // A generator runs `return` after its pending `next`, which only `stop` ends, if anything does.
      stopOnce();
      Promise.resolve(iterator.return?.()).catch(() => {});
    },
  });
}

function iteratorOf(
  batches: Iterable<PacketBatch> | AsyncIterable<PacketBatch>,
): Iterator<PacketBatch> | AsyncIterator<PacketBatch> {
  return Symbol.asyncIterator in batches ? batches[Symbol.asyncIterator]() : batches[Symbol.iterator]();
}

function isList(format: PacketFormat | readonly CaptureInterface[]): format is readonly CaptureInterface[] {
  return Array.isArray(format);
}
