import { NodeState, NodeStateSchema, type NodeStatusEvent } from "../../gen/relay/relay_pb.js";
import { goQuote } from "../../go/quote.js";
import { utf8Length } from "../../go/utf8.js";
import { enumName } from "./enum-name.js";
import { nodeStatusText } from "./proto-text.js";
import type { Stamped } from "./stamped.js";
import type { Field, Style } from "./style.js";

/** Whether a change is a problem, which is told even without `debug`. */
export function isNodeProblem({ stateChange }: NodeStatusEvent): boolean {
  return stateChange === NodeState.NODE_ERROR || stateChange === NodeState.NODE_UNAVAILABLE;
}

/** One line about nodes behind a relay, without its end; here the node is always named. */
export function formatNodeStatus({ event, time, nodeName }: Stamped<NodeStatusEvent>, style: Style): string {
  return style.clean(`${style.time(time)} [${nodeName}]: ${describe(event)}`);
}

/** The same as the fields of a record. */
export function nodeStatusFields({ event, time }: Stamped<NodeStatusEvent>, style: Style): Field[] {
  const { stateChange, nodeNames, message } = event;
  return [
    ["TIMESTAMP", style.time(time)],
    ["STATE", enumName(NodeStateSchema, stateChange)],
    ["NODES", style.clean(joinNames(nodeNames))],
    ["MESSAGE", message === "" ? "N/A" : style.clean(goQuote(message))],
  ];
}

function describe(event: NodeStatusEvent): string {
  const { stateChange, nodeNames, message } = event;
  const count = nodeNames.length;
  switch (stateChange) {
    case NodeState.NODE_CONNECTED:
      return `Receiving flows from ${count} nodes: ${joinNames(nodeNames)}`;
    case NodeState.NODE_UNAVAILABLE:
      return `${count} nodes are unavailable: ${joinNames(nodeNames)}`;
    case NodeState.NODE_GONE:
      return `${count} nodes removed from cluster: ${joinNames(nodeNames)}`;
    case NodeState.NODE_ERROR:
      return `Error ${goQuote(message)} on ${count} nodes: ${joinNames(nodeNames)}`;
    default:
      return `unknown node status event: ${nodeStatusText(event)}`;
  }
}

/** In bytes of UTF-8, each name with the separator behind it; the first name stands whatever its length. */
const NAMES_CUT_OFF_BYTES = 50;

function joinNames(names: readonly string[]): string {
  let bytes = 0;
  let shown = 0;
  for (const name of names) {
    bytes += utf8Length(name) + ", ".length;
    if (bytes > NAMES_CUT_OFF_BYTES && shown > 0) break;
    shown++;
  }
  const joined = names.slice(0, shown).join(", ");
  return shown === names.length ? joined : `${joined} (and ${names.length - shown} more)`;
}
