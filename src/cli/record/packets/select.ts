import type { PacketBatch } from "../../../packet/batch.js";
import { type BatchStage, deriveSource } from "../../../packet/derive-source.js";
import type { PacketPredicate } from "../../../packet/filter/filter.js";
import { selectRecords } from "../../../packet/filter/select.js";
import type { PacketSource } from "../../../packet/source.js";

/**
 * Creates a source of the packets that pass all stages; it counts as filtered. Disposing of it disposes of its source.
 */
export function selectPackets(source: PacketSource, stages: readonly BatchStage[]): PacketSource {
  function stage(input: PacketBatch, writable: boolean): PacketBatch {
    let batch = input;
    for (const next of stages) {
      if (batch.length === 0) break;
      batch = next(batch, writable || batch !== input);
    }
    return batch;
  }
  return deriveSource(source, { stage, filtered: true });
}

/** Creates a stage that selects packets by their bytes. */
export function packetStage(wanted: PacketPredicate): BatchStage {
  return (batch, writable) => selectRecords(batch, wanted, writable);
}
