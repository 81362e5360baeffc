import { checkArgument } from "../errors/check-argument.js";
import { aListOf } from "../errors/value-checks.js";
import { copyBatch, type PacketBatch, type PacketFormat } from "../packet/batch.js";
import type { Pull } from "../packet/source/batch-reader.js";
import { createSource } from "../packet/source/create-source.js";
import { aSource, type PacketSource } from "../packet/source.js";
import { Cursor, nextRun } from "./merge/cursor.js";
import { GatheredBatch } from "./merge/gathered-batch.js";
import { MergedInterfaces } from "./merge/merged-interfaces.js";

/**
 * Merges several captures into one source, ordered by time like mergecap: each source is assumed to be in order, and
 * the oldest next packet is yielded first; for equal times, that of the first source in the list. Packets are not
 * sorted within a source. Packets without a time follow the packet before them in their source.
 *
 * Interfaces with equal descriptions are merged across sources, never within one; their counts are added up. The options
 * of pcapng packets and the blocks between them are kept, except statistics, and blocks of unknown types of all sources
 * but the first. Memory use
 * is one batch per source and one more. Reading starts with the first pull.
 *
 * Intended for files and finished captures. The merge waits for a live source without packets, since its next packet
 * may be the oldest; meanwhile it reads nothing from the others, whose kernel buffers may overflow and drop packets.
 *
 * `stop` stops every source: packets that have already arrived are yielded in order of time. For a source without
 * `stop`, the current batch is yielded and a pending one is lost.
 *
 * Disposing of the result disposes of the sources. The iteration fails when a source does, after every packet before
 * the error. The result is `filtered` if all sources are. A single source is returned unchanged.
 */
export function mergeSources(sources: readonly PacketSource[]): PacketSource {
  checkArgument("mergeSources", "sources", sources, aListOf(aSource));
  const [first, ...others] = sources;
  if (first !== undefined && others.length === 0) return first;
  const interfaces = new MergedInterfaces(sources);
  const cursors = sources.map((source, order) => new Cursor(source, order));
  const gathered = new GatheredBatch();
  let isLeft = false;

  function pull(): ReturnType<Pull> {
    gathered.clear();
    return nextBatch();
  }

  function nextBatch(): ReturnType<Pull> {
    for (;;) {
      for (const cursor of cursors) {
        while (cursor.needsBatch) {
          gathered.addBlocks(cursor.takeBlocks());
          // Yield what has been collected before waiting for a source.
          if (!gathered.isEmpty) return gathered.toBatch();
          const fetching = cursor.fetch();
          if (fetching !== undefined) return fetching.then(() => (isLeft ? undefined : nextBatch()));
        }
      }
      const run = nextRun(cursors);
      if (run === undefined) {
        if (!gathered.isEmpty) return gathered.toBatch();
        interfaces.updateCounts();
        return undefined;
      }
      const { cursor, from, to } = run;
      const { batch } = cursor;
      const format = interfaces.formatOf(cursor.order, batch);
      if (!gathered.accepts(batch, format)) {
        cursor.skipTo(from);
        return gathered.toBatch();
      }
      if (gathered.isEmpty && cursor.isWritable && from === 0 && to === batch.length) {
        cursor.skipTo(to);
        return withFormat(batch, format);
      }
      const end = gathered.append(batch, format, from, to);
      cursor.skipTo(end);
      if (end < to) return gathered.toBatch();
    }
  }

  return createSource({
    interfaces: interfaces.list,
    filtered: sources.every(({ filtered }) => filtered),
    pull,
    copy: copyBatch,
    dropped: () => sources.reduce((sum, source) => sum + source.stats().dropped, 0),
    stop: () => {
      for (const cursor of cursors) cursor.stop();
    },
    leave: async () => {
      isLeft = true;
      interfaces.updateCounts();
      await Promise.all(cursors.map((cursor) => cursor.leave()));
    },
    close: async () => {
      await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
    },
  });
}

/** The same batch with the format of the merged capture. */
function withFormat(batch: PacketBatch, format: PacketFormat): PacketBatch {
  const { length, records, offsets } = batch;
  // Fast path for nearly all batches: a spread costs as much as a small batch.
  if (
    batch.comments === undefined &&
    batch.untimed === undefined &&
    batch.eraSeconds === undefined &&
    batch.pcapng === undefined
  )
    return { format, length, records, offsets };
  return { ...batch, format };
}
