import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Flow } from "../../gen/flow/flow_pb.js";
import type { PacketBatch } from "../../packet/batch.js";
import { type BatchStage, deriveSource } from "../../packet/derive-source.js";
import type { PacketPredicate } from "../../packet/filter.js";
import { createFlowDecoder, PacketError } from "../../packet/index.js";
import { selectRecords } from "../../packet/select.js";
import type { CaptureInterface, PacketSource } from "../../packet/source.js";
import type { FlowQuestion } from "./options.js";

/** The packets that pass all stages, as a source that needs no further filters. Disposing of it disposes of its source. */
export function selectPackets(source: PacketSource, stages: readonly BatchStage[]): PacketSource {
  function stage(lent: PacketBatch, writable: boolean): PacketBatch {
    let batch = lent;
    for (const next of stages) {
      if (batch.length === 0) break;
      batch = next(batch, writable || batch !== lent);
    }
    return batch;
  }
  return deriveSource(source, { stage, filtered: true });
}

/** By their bytes. */
export function packetStage(wanted: PacketPredicate): BatchStage {
  return (batch, writable) => selectRecords(batch, wanted, writable);
}

/** By the flows that the packets tell of. */
export function flowStage(
  { passes, since, until, guessReplies, tunnels, nodeName }: FlowQuestion,
  interfaces: readonly CaptureInterface[],
): BatchStage {
  const decoder = createFlowDecoder({
    guessReplies,
    tunnels,
    nodeName,
    captureInterface: (id) => {
      const name = interfaces[id]?.name;
      return name === undefined ? undefined : { name };
    },
  });
  function isWanted(flow: Flow): boolean {
    if (since !== undefined && isBefore(flow.time, since)) return false;
    if (until !== undefined && isBefore(until, flow.time)) return false;
    return passes(flow);
  }
  return (batch, writable) => {
    // Packets are asked for one after the other, in their order.
    const flows = decoder.decodeEach(batch)[Symbol.iterator]();
    const wanted = () => {
      const flow = flows.next().value;
      return flow !== undefined && !(flow instanceof PacketError) && isWanted(flow);
    };
    return selectRecords(batch, wanted, writable);
  };
}

/** As in `observe`: what has no time counts as of 1970. */
function isBefore(time: Timestamp | undefined, other: Timestamp | undefined): boolean {
  const seconds = time?.seconds ?? 0n;
  const otherSeconds = other?.seconds ?? 0n;
  return seconds === otherSeconds ? (time?.nanos ?? 0) < (other?.nanos ?? 0) : seconds < otherSeconds;
}
