import { fromBinary } from "@bufbuild/protobuf";
import { ExportLineError, type FlowPredicate } from "../../src/filter/index.js";
import { readLine } from "../../src/message/json/line/read-line.js";
import {
  decodeFlow,
  type Flow,
  FlowSchema,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../../src/proto.js";
import { hasOverrun } from "../support/overruns.js";

/** What a predicate answers for an encoded event and for the event that is decoded whole. */
export interface Difference {
  /** The function that was called. */
  readonly call: "bytes" | "response" | "jsonLine" | "decodeFlow";
  readonly answer: unknown;
  /** The answer for the decoded event; undefined if it cannot be decoded. */
  readonly expected: unknown;
}

/** Whether an input could be decoded whole, and the difference if there is one. */
export interface Comparison {
  readonly isDecoded: boolean;
  readonly difference?: Difference;
}

const DAMAGED: Comparison = { isDecoded: false };
const SAME: Comparison = { isDecoded: true };

/** The bytes around an input, which must not be read. */
const PADDING = 5;

/** Compares `bytes` and `decodeFlow` with decoding a flow by protobuf-es. */
export function compareFlow(predicate: FlowPredicate, input: Uint8Array): Comparison {
  let flow: Flow;
  try {
    flow = fromBinary(FlowSchema, input);
  } catch {
    return rejected("decodeFlow", () => decodeFlow(input)) ?? damaged("bytes", predicate, input);
  }
  const decoded = attempt(() => decodeFlow(input));
  if (!isSame(decoded, flow))
    return { isDecoded: true, difference: { call: "decodeFlow", answer: decoded, expected: flow } };
  const answer = callInside(predicate, "bytes", input);
  const expected = predicate(flow);
  // Whoever skips a nested message that is longer than its length does not notice it.
  if (answer === expected || hasOverrun(FlowSchema, input)) return SAME;
  return { isDecoded: true, difference: { call: "bytes", answer, expected } };
}

/** Compares `response` with decoding a response by protobuf-es. */
export function compareResponse(predicate: FlowPredicate, input: Uint8Array): Comparison {
  let response: GetFlowsResponse;
  try {
    response = fromBinary(GetFlowsResponseSchema, input);
  } catch {
    return damaged("response", predicate, input);
  }
  const answer = callInside(predicate, "response", input);
  const expected = predicate(response);
  if (answer === expected || hasOverrun(GetFlowsResponseSchema, input)) return SAME;
  return { isDecoded: true, difference: { call: "response", answer, expected } };
}

/** Compares `jsonLine` with parsing the line and reading all of its fields. */
export function compareLine(predicate: FlowPredicate, input: Uint8Array): Comparison {
  const event = readLine(input);
  const answer = callInside(predicate, "jsonLine", input);
  // Damage within a field that is skipped is not noticed.
  if (typeof event === "string") {
    if (typeof answer === "boolean" || isLineError(answer, input.length)) return DAMAGED;
    return { isDecoded: false, difference: { call: "jsonLine", answer, expected: undefined } };
  }
  // The reader returns the envelopes of events, and flows.
  const expected = predicate(event as GetFlowsResponse);
  if (answer === expected) return SAME;
  return { isDecoded: true, difference: { call: "jsonLine", answer, expected } };
}

/** What a function returns or throws. */
function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

function callInside(
  predicate: FlowPredicate,
  name: "bytes" | "response" | "jsonLine",
  input: Uint8Array,
): unknown {
  const buffer = new Uint8Array(input.length + 2 * PADDING).fill(0x22);
  buffer.set(input, PADDING);
  return attempt(() => predicate[name](buffer, PADDING, PADDING + input.length));
}

function damaged(call: "bytes" | "response", predicate: FlowPredicate, input: Uint8Array): Comparison {
  const answer = callInside(predicate, call, input);
  if (typeof answer === "boolean" || isMalformed(answer)) return DAMAGED;
  return { isDecoded: false, difference: { call, answer, expected: undefined } };
}

function rejected(call: "decodeFlow", decode: () => unknown): Comparison | undefined {
  const answer = attempt(decode);
  if (isMalformed(answer)) return undefined;
  return { isDecoded: false, difference: { call, answer, expected: undefined } };
}

function isMalformed(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "malformed_message";
}

function isLineError(error: unknown, length: number): boolean {
  if (!(error instanceof ExportLineError)) return false;
  return error.code === "malformed_export" && error.offset >= 0 && error.offset <= length;
}

/** Whether two messages have the same fields; a property that is undefined is as good as one that is missing. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    return one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0;
  }
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  return covers(one, other) && covers(other, one);
}

function covers(one: object, other: object): boolean {
  for (const name of Object.keys(one)) {
    const value = (one as Record<string, unknown>)[name];
    if (value === undefined && (other as Record<string, unknown>)[name] === undefined) continue;
    if (!isSame(value, (other as Record<string, unknown>)[name])) return false;
  }
  return true;
}
