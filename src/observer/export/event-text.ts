import { messageOf } from "../../errors/message.js";
import { envelopeSchema } from "../../message/json/envelope-schema.js";

// What the beginning, the end and the members of a string say about an event in it.

/** The number of leading white-space characters. */
export function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}

/** Removes surrounding white space and the comma after an element of a list. */
export function withoutComma(text: string): string {
  return text.trim().replace(/,$/, "");
}

/** Whether a string is a complete event and not a part of one. */
export function isEvent(text: string): boolean {
  if (!text.startsWith("{") || !text.trimEnd().endsWith("}")) return false;
  const json = parseJson(text);
  return json !== undefined && envelopeSchema(json) !== undefined;
}

/** Matches a string that begins like an event, whether or not it can be decoded. */
export const EVENT_START =
  /^\s*\{\s*"(flow|node_status|nodeStatus|lost_events|lostEvents|agent_event|agentEvent|debug_event|debugEvent)"/;

/** Matches a string that begins like an object or a list. */
export const MAY_BE_OBJECT = /^\s*[{[]/;

/** Parses JSON; returns undefined if it is invalid. */
export function parseJson(text: string): object | undefined {
  try {
    // The callers have checked that it begins like an object or a list.
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

/** Explains why a string is not a JSON object. */
export function jsonFault(text: string): string {
  try {
    JSON.parse(text);
    return "not a JSON object";
  } catch (error) {
    return `not JSON: ${messageOf(error)}`;
  }
}
