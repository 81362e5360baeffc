import { codeOf } from "../../errors/message.js";
import { escapeControls } from "../../observer/format/escape.js";
import { RpcError } from "../../recorder/service/error.js";
import { http2CodeName } from "./http2-status.js";
import { type TlsContext, tlsErrorText } from "./tls-error.js";

/** State of a connection that could not be established or has ended. */
export interface LostConnection {
  /** Undefined without TLS. */
  readonly tls: TlsContext | undefined;
  /** Whether the connection was established, including TLS. */
  readonly isConnected: boolean;
  /** The system or TLS error, if any. */
  readonly error: Error | undefined;
  /** Whether the server's SETTINGS arrived, which every HTTP/2 server sends first. */
  readonly isHttp2: boolean;
  readonly firstBytes: Uint8Array;
  /**
   * Whether the server closed its side. If not, and there is no error, the client closed it for an HTTP/2 violation.
   */
  readonly isClosedByServer: boolean;
  /** The server's GOAWAY, if any. */
  readonly goaway: { readonly http2Code: number; readonly text: string } | undefined;
}

// https://www.rfc-editor.org/rfc/rfc9113#section-4.1 and #section-6.5
const FRAME_TYPE = 3;
const SETTINGS = 4;

/** The error for a connection that could not be established or has ended: UNAVAILABLE with the likely cause. */
export function connectionError(lost: LostConnection): RpcError {
  const options = lost.error === undefined ? {} : { cause: lost.error };
  return new RpcError("UNAVAILABLE", causeText(lost), options);
}

function causeText(lost: LostConnection): string {
  const { tls, error, isHttp2, firstBytes, isClosedByServer, goaway } = lost;
  const tlsText = tls !== undefined && error !== undefined ? tlsErrorText(error, tls) : undefined;
  if (tlsText !== undefined) return tlsText;
  if (goaway !== undefined) {
    const detail = goaway.text === "" ? "" : `: ${escapeControls(goaway.text)}`;
    return `the server closed the connection (GOAWAY ${http2CodeName(goaway.http2Code)}${detail})`;
  }
  if (isHttp2) {
    if (error !== undefined) return `the connection was lost: ${errorText(error)}`;
    const reason = isClosedByServer ? "the server closed it" : "the server broke the HTTP/2 protocol";
    return `the connection was lost: ${reason}`;
  }
  if (firstBytes.length > 0 && firstBytes[FRAME_TYPE] !== SETTINGS) {
    return foreignText(firstBytes, tls !== undefined);
  }
  if (error !== undefined && !isReset(error)) return errorText(error);
  return `the server closed the connection without an answer: ${silentCloseHint(lost)}`;
}

function silentCloseHint({ tls, isConnected }: LostConnection): string {
  if (tls === undefined) return "it may expect TLS (tls://)";
  if (tls.hasClientCertificate) {
    return isConnected
      ? "it may have rejected the client's certificate"
      : "it may not speak TLS, or have rejected the client's certificate";
  }
  return isConnected ? "it may require a client certificate" : "it may not speak TLS";
}

/** Describes the protocol of a server whose first bytes are not HTTP/2. */
function foreignText(firstBytes: Uint8Array, isTls: boolean): string {
  const text = Buffer.from(firstBytes).toString("latin1");
  if (text.startsWith("HTTP/1."))
    return `the server is not a gRPC server: it speaks HTTP/1.1 (${quoteLine(text)})`;
  // A TLS alert: https://www.rfc-editor.org/rfc/rfc8446#section-5.1
  if (!isTls && firstBytes[0] === 0x15 && firstBytes[1] === 0x03) {
    return "the server expects TLS: connect with TLS (tls://)";
  }
  const answer = /^[\x20-\x7e]{4}/.test(text) ? quoteLine(text) : `bytes ${hexOf(firstBytes)}`;
  return `the server is not a gRPC server: it does not speak HTTP/2 (it answered ${answer})`;
}

function quoteLine(text: string): string {
  return JSON.stringify(/^[\x20-\x7e]*/.exec(text)![0]);
}

const SHOWN_BYTES = 8;

function hexOf(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString("hex").match(/../g)!.join(" ");
  return bytes.length > SHOWN_BYTES ? `${shown} …` : shown;
}

/** Whether the peer closed the connection abruptly. */
function isReset(error: Error): boolean {
  return "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}

function errorText(error: Error): string {
  if (isReset(error)) return "the server reset it";
  // If all addresses of a name fail, Node reports an AggregateError without a message of its own.
  if (!(error instanceof AggregateError)) return systemErrorText(error);
  return error.errors
    .map((one: unknown) => (one instanceof Error ? systemErrorText(one) : String(one)))
    .join("; ");
}

/** Descriptions of system errors for connections; Node's message, which contains the address, is appended. */
const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  EACCES: "permission denied; run as a member of the group that owns the socket",
  ECONNREFUSED: "connection refused: no server is listening there",
  EHOSTUNREACH: "the host cannot be reached",
  EAI_AGAIN: "the name server did not answer",
  ENETUNREACH: "the network cannot be reached",
  ENOENT: "no such socket: the server is not running, or listens elsewhere",
  ENOTFOUND: "unknown host name",
  ENOTSOCK: "not a socket",
  ETIMEDOUT: "the host did not answer in time",
};

function systemErrorText(error: Error): string {
  const code = codeOf(error) ?? "";
  return Object.hasOwn(SYSTEM_ERRORS, code) ? `${SYSTEM_ERRORS[code]} (${error.message})` : error.message;
}
