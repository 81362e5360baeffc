import type { RecordRequest, RecordResponse } from "../../gen/recorder/recorder_pb.js";
import type { RecordContext, RecordingRequest } from "../../recorder/service/context.js";
import { RpcError } from "../../recorder/service/error.js";
import type { RecorderService } from "../../recorder/service.js";
import { errorText } from "../error-text.js";
import type { Log, LogFields } from "./log.js";

/** Maximum number of filters to log per recording. */
const MAX_LOGGED_FILTERS = 8;
/** Maximum UTF-16 code units of a client's string in the log; longer ones are truncated. */
const MAX_TEXT_LENGTH = 200;

/** A service that logs its calls. */
export interface LoggedService extends RecorderService {
  /** Call it in the service's `authorize`, with its result. */
  noteRequest(request: RecordingRequest, allowed: boolean): void;
}

/**
 * Logs each call: `recording-requested` or `recording-denied`, `recording-started`, then `recording-stopped` or
 * `recording-failed`; `call-refused` if it never started. All entries contain the number of the call.
 */
export function loggedService(service: RecorderService, log: Log): LoggedService {
  const numbers = new WeakMap<object, number>();
  let calls = 0;

  async function* record(
    requests: AsyncIterable<RecordRequest>,
    context: RecordContext = {},
  ): AsyncGenerator<RecordResponse, void, undefined> {
    const call = ++calls;
    const { peer } = context;
    if (peer !== undefined) numbers.set(peer, call);
    const client = peer?.address;
    let state: "asked" | "running" | "stopped" = "asked";
    try {
      for await (const response of service.record(requests, context)) {
        const { case: kind, value } = response.responseType;
        if (kind === "stopped") {
          state = "stopped";
          const file = value.filesink?.filePath;
          log("info", "recording-stopped", { call, client, file, ...countsOf(value.stats) });
        } else if (state === "asked") {
          state = "running";
          log("info", "recording-started", { call, client });
        }
        yield response;
      }
    } catch (error) {
      const status = error instanceof RpcError ? error.status : "UNKNOWN";
      const event = state === "asked" ? "call-refused" : "recording-failed";
      if (state !== "stopped") log("warn", event, { call, client, status, message: cut(errorText(error)) });
      state = "stopped";
      throw error;
    } finally {
      // The server has ended the call because the client disconnected.
      if (state === "running") log("warn", "recording-failed", { call, client, status: "CANCELLED" });
    }
  }

  return {
    record,
    limits: service.limits,
    get counters() {
      return service.counters;
    },
    shutdown: () => service.shutdown(),
    [Symbol.asyncDispose]: () => service.shutdown(),
    noteRequest: ({ start, peer }, allowed) =>
      log(allowed ? "info" : "warn", allowed ? "recording-requested" : "recording-denied", {
        call: peer && numbers.get(peer),
        client: peer?.address,
        identities: peer?.identities.map(cut),
        filters: start.include.length,
        include: start.include.slice(0, MAX_LOGGED_FILTERS).map(filterText),
        prefix: cut(start.filesink?.filePrefix ?? ""),
      }),
  };
}

type Filter = RecordingRequest["start"]["include"][number];

/** Formats a filter as an argument of `hubble record`. */
function filterText({ sourceCidr, sourcePort, destinationCidr, destinationPort, protocol }: Filter): string {
  const name = PROTOCOLS[protocol] ?? String(protocol);
  return cut(`${sourceCidr} ${sourcePort} ${destinationCidr} ${destinationPort} ${name}`);
}

/** `recorder.Protocol` */
const PROTOCOLS: Readonly<Record<number, string>> = { 0: "ANY", 6: "TCP", 17: "UDP", 132: "SCTP" };

type Stats = { packetsCaptured: bigint; bytesCaptured: bigint; packetsLost: bigint; bytesLost: bigint };

function countsOf(stats: Stats | undefined): LogFields {
  if (stats === undefined) return {};
  return {
    packets: Number(stats.packetsCaptured),
    bytes: Number(stats.bytesCaptured),
    packetsLost: Number(stats.packetsLost),
  };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}
