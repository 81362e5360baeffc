import type { IncomingHttpHeaders } from "node:http2";
import { cutText } from "../../errors/cut-text.js";
import { RPC_STATUS_NUMBERS, RpcError, type RpcStatus } from "../../recorder/service/error.js";

/** The names of HTTP/2's error codes, by number: https://www.rfc-editor.org/rfc/rfc9113#section-7 */
const HTTP2_CODE_NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
] as const;

type Http2CodeName = (typeof HTTP2_CODE_NAMES)[number];

/**
 * gRPC status of a call that the peer reset:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#http2-transport-mapping. The two codes without a
 * mapping there (STREAM_CLOSED, HTTP_1_1_REQUIRED) are as in grpc-go.
 */
const STATUS_OF_RESET: { readonly [Name in Http2CodeName]: RpcStatus } = {
  NO_ERROR: "INTERNAL",
  PROTOCOL_ERROR: "INTERNAL",
  INTERNAL_ERROR: "INTERNAL",
  FLOW_CONTROL_ERROR: "INTERNAL",
  SETTINGS_TIMEOUT: "INTERNAL",
  STREAM_CLOSED: "INTERNAL",
  FRAME_SIZE_ERROR: "INTERNAL",
  REFUSED_STREAM: "UNAVAILABLE",
  CANCEL: "CANCELLED",
  COMPRESSION_ERROR: "INTERNAL",
  CONNECT_ERROR: "INTERNAL",
  ENHANCE_YOUR_CALM: "RESOURCE_EXHAUSTED",
  INADEQUATE_SECURITY: "PERMISSION_DENIED",
  HTTP_1_1_REQUIRED: "INTERNAL",
};

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const STATUS_OF_HTTP: Readonly<Record<number, RpcStatus>> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/** The peer ended a call without a gRPC status; used as the cause of the RpcError. */
export class StreamReset extends Error {
  override readonly name = "StreamReset";
  /** HTTP/2 error code. */
  readonly http2Code: number;

  constructor(http2Code: number) {
    super(`the server reset the call (${http2CodeName(http2Code)})`);
    this.http2Code = http2Code;
  }
}

/** Name of an HTTP/2 error code: `ENHANCE_YOUR_CALM`, or `code 99` for an unknown one. */
export function http2CodeName(code: number): string {
  return HTTP2_CODE_NAMES[code] ?? `code ${code}`;
}

/** The error of a call that the peer ended with RST_STREAM, or without trailers (NO_ERROR). */
export function resetError(http2Code: number): RpcError {
  const name = HTTP2_CODE_NAMES[http2Code];
  const cause = new StreamReset(http2Code);
  const text = name === "NO_ERROR" ? "the server ended the call without a status" : cause.message;
  return new RpcError(name === undefined ? "UNKNOWN" : STATUS_OF_RESET[name], text, { cause });
}

/** The error for an HTTP response that is not gRPC; undefined for a gRPC response. */
export function responseError(httpStatus: number, contentType: string | undefined): RpcError | undefined {
  if (httpStatus !== 200) return new RpcError(STATUS_OF_HTTP[httpStatus] ?? "UNKNOWN", `HTTP ${httpStatus}`);
  if (contentType?.startsWith("application/grpc") === true) return undefined;
  const type = contentType === undefined ? "no content-type" : `content-type ${JSON.stringify(contentType)}`;
  return new RpcError("UNKNOWN", `the server is not a gRPC server: it answered with HTTP 200 and ${type}`);
}

const STATUS_BY_NUMBER = new Map<number, RpcStatus>(
  // The cast is true because the keys of RPC_STATUS_NUMBERS are the statuses.
  Object.entries(RPC_STATUS_NUMBERS).map(([status, number]) => [number, status as RpcStatus]),
);

/** The error that the server reports with `grpc-status` and `grpc-message`; undefined if the status is OK. */
export function statusError(trailers: IncomingHttpHeaders): RpcError | undefined {
  const number = String(trailers["grpc-status"]);
  if (number === "0") return undefined;
  const message = decodeMessage(String(trailers["grpc-message"] ?? ""));
  const status = STATUS_BY_NUMBER.get(Number(number));
  if (status !== undefined) return new RpcError(status, message || `the server reported ${status}`);
  const text = `the server reported an unknown status (grpc-status ${JSON.stringify(cutText(number, MAX_SHOWN))})`;
  return new RpcError("UNKNOWN", message === "" ? text : `${text}: ${message}`);
}

const MAX_SHOWN = 20;

/** Decodes percent-encoding; returns an invalid encoding unchanged. */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
