import { type Flow, FlowSchema } from "../../../gen/flow/flow_pb.js";
import type { FieldTree } from "../../field-tree.js";
import { ARENA, ARENA_LINE_BYTES, copyToArena } from "./arena.js";
import { lastFailure } from "./failure.js";
import { createNameTable } from "./name-table.js";
import { type MessagePlan, planMessage } from "./plan.js";
import { readMembers, skipUnread } from "./read-members.js";
import { lastNameEntry, readName } from "./read-name.js";
import { skipSpace } from "./skip.js";

const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

// What a member of a line is; bits, so that a number says which have occurred.
const FLOW = 1;
const NODE_NAME = 2;
const TIME = 4;
const OTHER_EVENT = 8;
const WRAPPER = 16;

/** The members that decide what a line is. */
const LINE_MEMBERS = createNameTable(
  new Map([
    ["flow", FLOW],
    ["node_name", NODE_NAME],
    ["nodeName", NODE_NAME],
    ["time", TIME],
    ...["node_status", "nodeStatus", "lost_events", "lostEvents"].map((name) => [name, OTHER_EVENT] as const),
    ...["agent_event", "agentEvent", "debug_event", "debugEvent"].map((name) => [name, OTHER_EVENT] as const),
    // Of log records, whose content may be an event: see observer/export/envelopes.ts.
    ...["result", "flows", "log", "log_processed", "line"].map((name) => [name, WRAPPER] as const),
    ...["jsonPayload", "textPayload", "message", "MESSAGE"].map((name) => [name, WRAPPER] as const),
  ]),
);

/**
 * Reads some fields of the flow of an export line without parsing the rest. Every line fills the same Flow, whose other
 * fields keep their defaults; it is only valid until the next line.
 */
export class LineScanner {
  readonly #plan: MessagePlan;
  /** The flow of the last line. */
  readonly flow: Flow;
  /** For a line that was not read: where reading stopped, as an index into its bytes. */
  stoppedAt = 0;

  constructor(tree: FieldTree) {
    this.#plan = planMessage(FlowSchema, tree);
    // The target of a plan is a message of its schema.
    this.flow = this.#plan.target as unknown as Flow;
  }

  /**
   * Reads the fields into {@link flow}. Returns false for a line that has to be read as a whole: one that is not a flow,
   * is unusual, or is damaged where it was read.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (length > ARENA_LINE_BYTES) return this.#read(bytes, start, end);
    copyToArena(bytes, start, end);
    if (this.#read(ARENA, 0, length)) return true;
    this.stoppedAt += start;
    return false;
  }

  #read(bytes: Uint8Array, start: number, end: number): boolean {
    const open = skipSpace(bytes, start, end);
    if (open >= end || bytes[open] !== OPEN_OBJECT) return this.#stop(open);
    const plan = this.#plan;
    let seen = 0;
    let isBare = false;
    let previous = LINE_MEMBERS.values.length;
    let at = skipSpace(bytes, open + 1, end);
    for (;;) {
      const nameStart = at;
      at = readName(LINE_MEMBERS, previous, bytes, at, end);
      if (at < 0) return this.#stop(lastFailure());
      const entry = lastNameEntry();
      if (entry >= 0) previous = entry;
      const member = entry < 0 ? -1 : LINE_MEMBERS.values[entry]!;
      if (member === FLOW) {
        if ((seen & FLOW) !== 0 || at >= end || bytes[at] !== OPEN_OBJECT) return this.#stop(nameStart);
        at = readMembers(plan, plan.target, bytes, at + 1, end);
      } else {
        if (member === OTHER_EVENT) return this.#stop(nameStart);
        if (member < 0) isBare ||= (seen & FLOW) === 0 && isField(plan, bytes, nameStart, end);
        else if ((seen & member) !== 0) return this.#stop(nameStart);
        at = skipUnread(bytes, at, end);
      }
      if (at < 0) return this.#stop(lastFailure());
      if (member > 0) seen |= member;
      at = skipSpace(bytes, at, end);
      if (at < end && bytes[at] === CLOSE_OBJECT) break;
      if (at >= end || bytes[at] !== COMMA) return this.#stop(at);
      at = skipSpace(bytes, at + 1, end);
    }
    if ((seen & FLOW) === 0) {
      if (!isBare || (seen & WRAPPER) !== 0) return this.#stop(open);
      at = readMembers(plan, plan.target, bytes, open + 1, end) - 1;
      if (at < 0) return this.#stop(lastFailure());
    }
    at = skipSpace(bytes, at + 1, end);
    return at === end || this.#stop(at);
  }

  #stop(at: number): false {
    this.stoppedAt = at;
    return false;
  }
}

/** Whether a name is that of a field. */
function isField(plan: MessagePlan, bytes: Uint8Array, nameStart: number, end: number): boolean {
  return readName(plan.names, plan.names.values.length, bytes, nameStart, end) >= 0 && lastNameEntry() >= 0;
}
