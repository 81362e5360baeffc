import type { IncomingHttpHeaders } from "node:http2";
import type { UniversalClientFn, UniversalClientRequest } from "@connectrpc/connect/protocol";
import { RPC_STATUS_NUMBERS, RpcError } from "../../recorder/service/error.js";
import { toConnectError } from "../connect-error.js";
import type { ClientCall } from "./client-call.js";
import type { ClientConnection } from "./client-connection.js";
import { statusError } from "./http2-status.js";

/**
 * Creates the HTTP client for Connect. Connect's own client for Node leaves calls pending and errors unhandled when a
 * connection is lost.
 */
export function createHttpClient(connection: ClientConnection): UniversalClientFn {
  return async ({ url, header, body, signal = new AbortController().signal }) => {
    try {
      const call = await connection.call(new URL(url).pathname, Object.fromEntries(header), signal);
      void sendBody(call, body);
      const headers = await call.response();
      const trailer = new Headers();
      return {
        status: Number(headers[":status"]),
        header: copyHeaders(headers, new Headers()),
        body: readBody(call, trailer, signal),
        trailer,
      };
    } catch (error) {
      throw reasonFor(error, signal);
    }
  };
}

async function sendBody(call: ClientCall, body: UniversalClientRequest["body"] = noBody()): Promise<void> {
  try {
    for await (const bytes of body) if (!(await call.send(bytes))) return;
    call.endSending();
  } catch (error) {
    call.cancel(error);
  }
}

async function* noBody(): AsyncGenerator<Uint8Array, void, undefined> {}

async function* readBody(
  call: ClientCall,
  trailer: Headers,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const chunks = await call.next();
      if (chunks === undefined) break;
      yield* chunks;
    }
    copyHeaders(call.trailers, trailer);
  } catch (error) {
    throw reasonFor(error, signal);
  } finally {
    call.cancel();
  }
}

/** Converts an error to one that Connect passes on: the signal's reason, or a ConnectError. */
function reasonFor(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof RpcError ? toConnectError(error) : error;
}

/** Copies headers or trailers, with a status that Connect can read. */
function copyHeaders(from: IncomingHttpHeaders, to: Headers): Headers {
  for (const [name, value] of Object.entries(from)) {
    if (name.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) to.append(name, String(one));
  }
  const error = "grpc-status" in from ? statusError(from) : undefined;
  if (error !== undefined) {
    to.set("grpc-status", String(RPC_STATUS_NUMBERS[error.status]));
    to.set("grpc-message", encodeURIComponent(error.message));
  }
  return to;
}
