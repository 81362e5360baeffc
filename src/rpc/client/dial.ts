import { connect, isIP, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureContext } from "node:tls";
import { onAbort } from "../../async/abort.js";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import type { Target } from "../target.js";
import type { ClientTls } from "../tls.js";
import type { TlsContext } from "./tls-error.js";

/** How to reach a server; fixed before the first connection. */
export interface Endpoint {
  readonly target: Target;
  /** Undefined without TLS. */
  readonly tls: EndpointTls | undefined;
}

interface EndpointTls extends TlsContext {
  readonly secureContext: SecureContext;
  readonly serverName: string | undefined;
  readonly insecure: boolean;
}

/** @throws FlowscribeError `invalid_target` for unreadable certificates and keys. */
export function createEndpoint(target: Target, tls: ClientTls | undefined): Endpoint {
  if (tls === undefined) return { target, tls: undefined };
  const { ca, cert, key, serverName, insecure = false } = tls;
  const host = target.kind === "tcp" ? target.host : "localhost";
  try {
    const secureContext = createSecureContext({
      ...(ca !== undefined && { ca: ca.map(String) }),
      ...(cert !== undefined && { cert: String(cert) }),
      ...(key !== undefined && { key: String(key) }),
    });
    const hasClientCertificate = cert !== undefined;
    return {
      target,
      tls: { secureContext, serverName, insecure, hasClientCertificate, expectedName: serverName ?? host },
    };
  } catch (error) {
    throw new FlowscribeError(
      "invalid_target",
      `the certificates or the key for TLS cannot be read (PEM expected): ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/**
 * Opens a connection, including the TLS handshake.
 *
 * @throws The system or TLS error; the signal's reason.
 */
export function dial({ target, tls }: Endpoint, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const where: NetConnectOpts =
      target.kind === "unix" ? { path: target.path } : { host: target.host, port: target.port };
    const socket = tls === undefined ? connect(where) : connectTls({ ...where, ...tlsOptions(target, tls) });
    const connected = tls === undefined ? "connect" : "secureConnect";
    const onConnect = () => {
      settle();
      resolve(socket);
    };
    const fail = (error: unknown) => {
      settle();
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const onClose = () => fail(new Error("the connection was closed"));
    let removeListener = () => {};
    const settle = () => {
      socket.off(connected, onConnect);
      socket.off("error", fail);
      socket.off("close", onClose);
      removeListener();
    };
    socket.on(connected, onConnect);
    socket.on("error", fail);
    socket.on("close", onClose);
    removeListener = onAbort(signal, () => fail(signal.reason));
  });
}

function tlsOptions(target: Target, { secureContext, serverName, insecure }: EndpointTls) {
  const host = target.kind === "tcp" ? target.host : "localhost";
  return {
    secureContext,
    ALPNProtocols: ["h2"],
    // An IP address is not allowed as the server name: https://www.rfc-editor.org/rfc/rfc6066#section-3
    servername: serverName ?? (isIP(host) === 0 ? host : ""),
    rejectUnauthorized: !insecure,
  };
}
