import {
  NodeState,
  NodeStateSchema,
  type NodeStatusEvent,
  NodeStatusEventSchema,
} from "../../../gen/relay/relay_pb.js";
import { goQuote } from "../../../go/strconv/quote.js";
import { utf8Length } from "../../../go/utf8.js";
import { enumName, formatProtoText } from "../../../message/proto-text.js";
import type { Stamped } from "../stamped.js";
import type { Field, Style } from "../style.js";

/** Whether a change is a problem, which is reported even without `debug`. */
export function isNodeProblem({ stateChange }: NodeStatusEvent): boolean {
  return stateChange === NodeState.NODE_ERROR || stateChange === NodeState.NODE_UNAVAILABLE;
}

/** Formats a status event of nodes behind a relay as one line without a line feed. The node is always included. */
export function formatNodeStatus({ event, time, nodeName }: Stamped<NodeStatusEvent>, style: Style): string {
  return style.clean(`${style.time(time)} [${nodeName}]: ${describe(event)}`);
}

/** Formats a status event of nodes as the fields of a record. */
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
      return `unknown node status event: ${formatProtoText(NodeStatusEventSchema, event)}`;
  }
}

/**
 * The maximum length of the joined names, in UTF-8 bytes, counting a separator after each name. The first name is
 * always shown.
 */
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
