import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { checkArgument } from "../errors/check-argument.js";
import { isObject, type ValueCheck, valueCheck } from "../errors/value-checks.js";
import type { RpcPeer } from "../recorder/service/context.js";

const aRequest: ValueCheck<IncomingMessage | Http2ServerRequest> = valueCheck(
  "a request of Node's http or http2",
  (value) => isObject(value) && "socket" in value && "headers" in value,
);

/** Returns the sender of a request. Certificates count only if the server has verified them against its authorities. */
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

/** A name in `subjectaltname`. Node quotes names with commas or quotes as JSON, so that one name cannot pose as two. */
const ALTERNATIVE_NAME = /(?:^|, )(?:DNS|URI|email):("(?:[^"\\]|\\.)*"|[^,"]*)/g;

/** Returns the names in a certificate: DNS names, URIs (SPIFFE) and email addresses, then the common names. */
export function identitiesOf(certificate: PeerCertificate | undefined): readonly string[] {
  if (certificate === undefined) return [];
  const identities = new Set<string>();
  for (const [, name = ""] of (certificate.subjectaltname ?? "").matchAll(ALTERNATIVE_NAME)) {
    identities.add(name.startsWith('"') ? (JSON.parse(name) as string) : name);
  }
  // Node returns a list for several common names, which its types omit. There may be no subject at all.
  const commonNames: unknown = certificate.subject?.CN;
  for (const name of Array.isArray(commonNames) ? commonNames : [commonNames]) {
    if (typeof name === "string") identities.add(name);
  }
  return [...identities];
}
