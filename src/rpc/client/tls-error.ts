import type { PeerCertificate } from "node:tls";
import { cutText } from "../../errors/cut-text.js";

/** What the words for a TLS failure depend on. */
export interface TlsContext {
  /** Whether the client has a certificate to present. */
  readonly hasClientCertificate: boolean;
  /** The name that the server's certificate has to be for. */
  readonly expectedName: string;
}

/** Node's names for a certificate whose authority is unknown. */
const UNTRUSTED = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/**
 * Alerts with which servers reject a client for its certificate, or for having none: servers in Go before TLS 1.3 say "bad
 * certificate", OpenSSL says "handshake failure".
 */
const CERTIFICATE_ALERT =
  /ALERT_(CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)/;
const HANDSHAKE_ALERT = /ALERT_HANDSHAKE_FAILURE/;
const VERSION = /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/;
const APPLICATION_PROTOCOL = /NO_APPLICATION_PROTOCOL/;

/** A failure of TLS in plain words, and what to do; undefined for an error that is not one of TLS. */
export function tlsErrorText(error: Error, context: TlsContext): string | undefined {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return nameText(error, context);
  if (UNTRUSTED.has(code)) {
    return `the server's certificate is not signed by a trusted authority (${error.message}): trust its authority (tls.ca, --tls-ca-cert-files)`;
  }
  if (/^CERT_|^CRL_|^INVALID_CA$|^INVALID_PURPOSE$|_CERT_/.test(code)) {
    return `the server's certificate is invalid: ${error.message}`;
  }
  if (!code.startsWith("ERR_SSL_")) return undefined;
  return alertText(code, context) ?? "the server does not speak TLS: connect without TLS (no tls://)";
}

function alertText(code: string, { hasClientCertificate }: TlsContext): string | undefined {
  if (CERTIFICATE_ALERT.test(code) || (HANDSHAKE_ALERT.test(code) && !hasClientCertificate)) {
    return hasClientCertificate
      ? `the server rejected the client's certificate (${alertName(code)})`
      : "the server requires a client certificate (tls.cert and tls.key, --tls-client-cert-file and --tls-client-key-file)";
  }
  if (VERSION.test(code)) return "the server and the client have no TLS version in common";
  if (APPLICATION_PROTOCOL.test(code))
    return "the server speaks TLS, but not HTTP/2: it is not a gRPC server";
  if (code.includes("_ALERT_") || code.includes("UNRECOGNIZED_NAME")) {
    return `the server ended the TLS handshake (${alertName(code)})`;
  }
  return undefined;
}

/** `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA` is "unknown ca". */
function alertName(code: string): string {
  return code
    .replace(/^ERR_SSL_((SSL|TLS)V\d+_)?(ALERT_)?/, "")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** Certificates may have hundreds of names. */
const MAX_NAMES_LENGTH = 300;

function nameText(error: Error, { expectedName }: TlsContext): string {
  const names = "cert" in error ? namesOf(error.cert as PeerCertificate) : "";
  const list = names === "" ? "has no names" : `is for ${cutText(names, MAX_NAMES_LENGTH)}`;
  return `the server's certificate is not for ${expectedName}, it ${list}: set the name to expect (tls.serverName, --tls-server-name)`;
}

/** As in the certificate: `DNS:relay.example.com, IP Address:10.0.0.1`; the common name where there are no others. */
function namesOf({ subjectaltname = "", subject }: PeerCertificate): string {
  if (subjectaltname !== "") return subjectaltname;
  const commonName: unknown = subject?.CN;
  return typeof commonName === "string" ? `CN:${commonName}` : "";
}
