import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { type LostEvent, LostEventSourceSchema } from "../../gen/flow/flow_pb.js";
import { NodeStateSchema, type NodeStatusEvent } from "../../gen/relay/relay_pb.js";
import { enumName } from "./event/enum-name.js";

/**
 * Formats a LostEvent like Go's protobuf debug output: set fields in the order of their numbers. Go deliberately varies
 * between one and two spaces between fields from build to build; this uses one.
 */
export function lostEventText({ source, numEventsLost, cpu, first, last }: LostEvent): string {
  return joinFields([
    source === 0 ? "" : `source:${enumName(LostEventSourceSchema, source)}`,
    numEventsLost === 0n ? "" : `num_events_lost:${numEventsLost}`,
    cpu === undefined ? "" : `cpu:{${cpu === 0 ? "" : `value:${cpu}`}}`,
    first === undefined ? "" : `first:{${timestampText(first)}}`,
    last === undefined ? "" : `last:{${timestampText(last)}}`,
  ]);
}

/** Formats a NodeStatusEvent like {@link lostEventText}. */
export function nodeStatusText({ stateChange, nodeNames, message }: NodeStatusEvent): string {
  return joinFields([
    stateChange === 0 ? "" : `state_change:${enumName(NodeStateSchema, stateChange)}`,
    ...nodeNames.map((name) => `node_names:${quote(name)}`),
    message === "" ? "" : `message:${quote(message)}`,
  ]);
}

function timestampText({ seconds, nanos }: Timestamp): string {
  return joinFields([seconds === 0n ? "" : `seconds:${seconds}`, nanos === 0 ? "" : `nanos:${nanos}`]);
}

function joinFields(fields: readonly string[]): string {
  return fields.filter((field) => field !== "").join(" ");
}

const TO_ESCAPE = /[\p{Cc}"\\]/gu;

const SHORT: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  '"': '\\"',
  "\\": "\\\\",
};

function quote(text: string): string {
  return `"${text.replace(TO_ESCAPE, escapeCharacter)}"`;
}

function escapeCharacter(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code < 0x80 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}
