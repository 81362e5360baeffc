import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../../src/async/clock.js";
import {
  type GetFlowsRequestInit,
  observe,
  openTransport,
  type TransportOptions,
} from "../../../src/rpc/index.js";
import { data, goaway, HTTP2_CODES, rstStream, trailers } from "./frames.js";
import { type Break, LAST_FLOW, openScriptedObserver, type Script, type ScriptedFlow } from "./observer.js";

/** When the streams begin, in milliseconds since 1970. */
export const BEGIN_MS = 1_700_000_000_000;

/** Before the stream begins: within the two seconds that a resumption looks back, and earlier. */
export const OLD_FLOWS: readonly ScriptedFlow[] = [-5000, -1900, -1700, -1000, -400].map((offset, index) => ({
  name: `old${index}`,
  timeMs: BEGIN_MS + offset,
}));

/** Each of them within two seconds of the one before, some at the same time. */
export const NEW_FLOWS: readonly ScriptedFlow[] = [
  100, 300, 300, 900, 1600, 2500, 2500, 4000, 5900, 7000,
].map((offset, index) => ({ name: `new${index}`, timeMs: BEGIN_MS + offset }));

/** Requests, and which flows they are about. */
export const REQUESTS: readonly {
  readonly name: string;
  readonly request: GetFlowsRequestInit;
  readonly wanted: readonly ScriptedFlow[];
}[] = [
  { name: "new flows", request: { follow: true }, wanted: NEW_FLOWS },
  {
    name: "the last flow and new ones",
    request: { follow: true, number: 1n },
    wanted: [...OLD_FLOWS.slice(-1), ...NEW_FLOWS],
  },
  {
    name: "the last three flows and new ones",
    request: { follow: true, number: 3n },
    wanted: [...OLD_FLOWS.slice(-3), ...NEW_FLOWS],
  },
  {
    name: "flows since a time and new ones",
    request: { follow: true, since: timestampFromMs(BEGIN_MS - 1800) },
    wanted: [...OLD_FLOWS.slice(2), ...NEW_FLOWS],
  },
  {
    name: "flows since the beginning and new ones",
    request: { follow: true, first: true },
    wanted: [...OLD_FLOWS, ...NEW_FLOWS],
  },
  { name: "all flows", request: {}, wanted: OLD_FLOWS },
  { name: "the first four flows", request: { first: true, number: 4n }, wanted: OLD_FLOWS.slice(0, 4) },
  { name: "the last four flows", request: { number: 4n }, wanted: OLD_FLOWS.slice(-4) },
  {
    name: "flows between two times",
    request: { since: timestampFromMs(BEGIN_MS - 1900), until: timestampFromMs(BEGIN_MS - 1000) },
    wanted: OLD_FLOWS.slice(1, 4),
  },
];

/**
 * After how many flows the first call for a request may break without a change of what is wanted: when no flow has come yet,
 * "the last flows" are requested anew, and are by then others.
 */
export function earliestBreak({ number = 0n, first = false, follow = false }: GetFlowsRequestInit): number {
  return follow && number > 0n && !first ? 1 : 0;
}

/** Does not wait and does not advance. */
const CLOCK: Clock = {
  now: () => BEGIN_MS,
  setTimer: (_delayMs, callback) => {
    const timer = setImmediate(callback);
    return () => clearImmediate(timer);
  },
};

/**
 * Observes a scripted Observer with `reconnect`, until {@link LAST_FLOW} comes or the stream ends.
 *
 * @returns The names of the flows; how often the call was made; the error.
 */
export async function observeScript(
  script: Script,
  request: GetFlowsRequestInit,
  options: TransportOptions = {},
): Promise<{ readonly names: readonly string[]; readonly calls: number; readonly error?: unknown }> {
  await using observer = await openScriptedObserver(script);
  await using transport = openTransport(observer.address, options);
  const stream = observe(transport, request, { reconnect: true, clock: CLOCK });
  const names: string[] = [];
  try {
    for await (const { responseTypes } of stream) {
      if (responseTypes.case !== "flow") continue;
      if (responseTypes.value.uuid === LAST_FLOW.name) break;
      names.push(responseTypes.value.uuid);
    }
  } catch (error) {
    return { names, calls: observer.requests.length, error };
  }
  return { names, calls: observer.requests.length };
}

/** Ways to break that are worth another call. */
export const RETRYABLE: readonly Break[] = [
  { name: "FIN", next: "end" },
  { name: "RST", next: "reset" },
  {
    name: "half a message, then FIN",
    send: (id, message) => data(id, message.subarray(0, message.length >> 1)),
    next: "end",
  },
  {
    name: "half a message, then RST_STREAM",
    send: (id, message) =>
      Buffer.concat([data(id, message.subarray(0, 9)), rstStream(id, HTTP2_CODES.INTERNAL_ERROR)]),
    next: "silence",
  },
  { name: "half a frame, then FIN", send: (id, message) => data(id, message).subarray(0, 30), next: "end" },
  { name: "64 bytes of 0xff", send: () => Buffer.alloc(64, 0xff), next: "silence" },
  { name: "64 bytes of 0xff, then FIN", send: () => Buffer.alloc(64, 0xff), next: "end" },
  { name: "the status UNAVAILABLE", send: (id) => trailers(id, "14", "later"), next: "silence" },
  ...Object.entries(HTTP2_CODES).flatMap(([name, code]): Break[] => [
    { name: `RST_STREAM ${name}`, send: (id) => rstStream(id, code), next: "silence" },
    { name: `GOAWAY ${name}, then FIN`, send: () => goaway(0x7fffffff, code), next: "end" },
    { name: `GOAWAY ${name}, then RST`, send: () => goaway(0x7fffffff, code), next: "reset" },
    { name: `GOAWAY ${name}, refusing the call`, send: () => goaway(0, code), next: "silence" },
  ]),
];

/** Ways to end that are worth another call when more flows were to come. */
export const ENDS: readonly Break[] = [
  { name: "the status OK", send: (id) => trailers(id), next: "silence" },
  {
    name: "GOAWAY, then the status OK",
    send: (id) => Buffer.concat([goaway(0x7fffffff, 0), trailers(id)]),
    next: "silence",
  },
];
