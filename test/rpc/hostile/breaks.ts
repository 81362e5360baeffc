import type { RpcStatus } from "../../../src/rpc/index.js";
import { goaway, HTTP2_CODES, type Http2CodeName, rstStream } from "./frames.js";
import { CALL_PHASES, type Expected, type PeerKind, PHASES, type Phase } from "./peer.js";

// Names of HTTP2_CODES.
const CODE_NAMES = Object.keys(HTTP2_CODES) as Http2CodeName[];

/** No stream of ours. */
const BEYOND_ALL = 0x7fffffff;

/**
 * The meaning of RST_STREAM: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors. Where that is undefined,
 * implementations differ.
 */
export const STATUS_OF_RST_STREAM: { readonly [K in Http2CodeName]: readonly RpcStatus[] } = {
  NO_ERROR: ["INTERNAL"],
  PROTOCOL_ERROR: ["INTERNAL"],
  INTERNAL_ERROR: ["INTERNAL"],
  FLOW_CONTROL_ERROR: ["INTERNAL"],
  SETTINGS_TIMEOUT: ["INTERNAL"],
  STREAM_CLOSED: ["INTERNAL", "UNKNOWN", "UNAVAILABLE"],
  FRAME_SIZE_ERROR: ["INTERNAL"],
  REFUSED_STREAM: ["UNAVAILABLE"],
  CANCEL: ["CANCELLED"],
  COMPRESSION_ERROR: ["INTERNAL"],
  CONNECT_ERROR: ["INTERNAL"],
  ENHANCE_YOUR_CALM: ["RESOURCE_EXHAUSTED"],
  INADEQUATE_SECURITY: ["PERMISSION_DENIED"],
  HTTP_1_1_REQUIRED: ["INTERNAL", "UNKNOWN"],
  "an unknown code": ["INTERNAL", "UNKNOWN"],
};

/** RST_STREAM of every code in a phase of the call. */
export function resetsAt(at: Phase): readonly PeerKind[] {
  return CODE_NAMES.flatMap((code) =>
    [false, true].map(
      (inOneWrite): PeerKind => ({
        name: `RST_STREAM ${code} (${at}${inOneWrite ? ", in one write" : ""})`,
        at,
        send: (streamId) => rstStream(streamId, HTTP2_CODES[code]),
        next: "silence",
        inOneWrite,
        // What is complete stays so.
        expected: at === "trailers" ? "completes" : STATUS_OF_RST_STREAM[code],
      }),
    ),
  );
}

/** GOAWAY of every code in a phase of the connection, for the calls up to its last stream and for later ones, followed by FIN, RST or silence. */
export function goawaysAt(at: Phase): readonly PeerKind[] {
  const isUnderWay = PHASES.indexOf(at) >= PHASES.indexOf("request");
  const expected: Expected = at === "trailers" ? "completes" : ["UNAVAILABLE"];
  return CODE_NAMES.flatMap((code) => {
    const kind = (how: string, lastStreamId: number, next: PeerKind["next"]): PeerKind => ({
      name: `GOAWAY ${code}, ${how} (${at})`,
      at,
      send: () =>
        goaway(lastStreamId, HTTP2_CODES[code], code === "ENHANCE_YOUR_CALM" ? "too_many_pings" : ""),
      next,
      expected,
    });
    return [
      kind("then FIN", BEYOND_ALL, "end"),
      kind("then RST", BEYOND_ALL, "reset"),
      ...(isUnderWay ? [kind("refusing the call", 0, "silence")] : []),
    ];
  });
}

/** GOAWAY with which a server announces that it shuts down, and then completes the call. */
export const GRACEFUL: readonly PeerKind[] = CALL_PHASES.filter((at) => at !== "inside").map((at) => ({
  name: `GOAWAY NO_ERROR, then the rest of the call (${at})`,
  at,
  send: () => goaway(BEYOND_ALL, HTTP2_CODES.NO_ERROR),
  next: "complete",
  expected: "completes",
}));

/** The connection breaks in the middle of a call. */
export const DEATHS: readonly PeerKind[] = CALL_PHASES.flatMap((at) =>
  (["end", "reset"] as const).flatMap((next) =>
    [false, true].map(
      (inOneWrite): PeerKind => ({
        name: `the connection ends with ${next === "end" ? "FIN" : "RST"} (${at}${inOneWrite ? ", in one write" : ""})`,
        at,
        next,
        inOneWrite,
        expected: ["UNAVAILABLE"],
      }),
    ),
  ),
);
