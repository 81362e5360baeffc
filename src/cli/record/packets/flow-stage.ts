import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Flow } from "../../../gen/flow/flow_pb.js";
import type { BatchStage } from "../../../packet/derive-source.js";
import { selectRecords } from "../../../packet/filter/select.js";
import { createFlowDecoder, PacketError } from "../../../packet/index.js";
import type { CaptureInterface } from "../../../packet/source.js";
import type { FlowQuestion } from "../options.js";

/** Creates a stage that selects packets by their flows. */
export function flowStage(
  { passes, part, since, until, guessReplies, tunnels, nodeName, lookups = {} }: FlowQuestion,
  interfaces: readonly CaptureInterface[],
): BatchStage {
  const decoder = createFlowDecoder({
    ...lookups,
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
    // The predicate is called once per packet, in order.
    let index = 0;
    const wanted = () => {
      const flow = decoder.decodeAt(batch, index++, part);
      return flow !== undefined && !(flow instanceof PacketError) && isWanted(flow);
    };
    return selectRecords(batch, wanted, writable);
  };
}

/** As in `observe`, a missing time counts as 1970. */
function isBefore(time: Timestamp | undefined, other: Timestamp | undefined): boolean {
  const seconds = time?.seconds ?? 0n;
  const otherSeconds = other?.seconds ?? 0n;
  return seconds === otherSeconds ? (time?.nanos ?? 0) < (other?.nanos ?? 0) : seconds < otherSeconds;
}
