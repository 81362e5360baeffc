import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { checkArgument } from "../errors/check-argument.js";
import { isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import type { RpcPeer } from "../recorder/service/parts.js";

const aRequest: ValueCheck<IncomingMessage | Http2ServerRequest> = valueCheck(
  "a request of Node's http or http2",
  (value) => isObject(value) && "socket" in value && "headers" in value,
);

/** Who sent a request. Certificates count only when the server has checked them against its authorities. */
export function peerOfRequest(request: IncomingMessage | Http2ServerRequest): RpcPeer {
  checkArgument("peerOfRequest", "request", request, aRequest);
  const { socket, headers } = request;
  return {
    address: addressText(socket.remoteAddress, socket.remotePort),
    identities: isTrusted(socket) ? identitiesOf(socket.getPeerCertificate()) : [],
    header: (name) => {
      const value = headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

function isTrusted(socket: object): socket is TLSSocket {
  return "authorized" in socket && socket.authorized === true;
}

function addressText(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return "unix";
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A name in `subjectaltname`, which Node quotes as JSON when it holds a comma or a quote: so no name can pose as two. */
const ALTERNATIVE_NAME = /(?:^|, )(?:DNS|URI|email):("(?:[^"\\]|\\.)*"|[^,"]*)/g;

/** The names in a certificate: its DNS names, URIs (SPIFFE) and e-mail addresses, then the common names. */
export function identitiesOf(certificate: PeerCertificate | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const identities = new Set<string>();
  for (const [, name = ""] of (certificate.subjectaltname ?? "").matchAll(ALTERNATIVE_NAME)) {
    identities.add(name.startsWith('"') ? (JSON.parse(name) as string) : name);
  }
  // A certificate may have several; Node then gives a list, which its types leave out. Without a subject it has none.
  const commonNames: unknown = certificate.subject?.CN;
  for (const name of Array.isArray(commonNames) ? commonNames : [commonNames]) {
    if (typeof name === "string") identities.add(name);
  }
  return [...identities];
}
