import type { PeerCertificate } from "node:tls";
import { cutText } from "../../errors/cut-text.js";

/** Context for the description of a TLS error. */
export interface TlsContext {
  /** Whether the client has a certificate to present. */
  readonly hasClientCertificate: boolean;
  /** The name that the server's certificate must contain. */
  readonly expectedName: string;
}

/** Node's error codes for a certificate of an unknown authority. */
const UNTRUSTED = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/**
 * Alerts with which servers reject a client because of its certificate or because it has none. For a missing
 * certificate, Go servers before TLS 1.3 send "bad certificate", OpenSSL sends "handshake failure".
 */
const CERTIFICATE_ALERT =
  /ALERT_(CERTIFICATE_REQUIRED|NO_CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED|UNKNOWN)|UNKNOWN_CA|ACCESS_DENIED)/;
const HANDSHAKE_ALERT = /ALERT_HANDSHAKE_FAILURE/;
const VERSION = /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/;
const APPLICATION_PROTOCOL = /NO_APPLICATION_PROTOCOL/;

/** Describes a TLS error and its remedy; undefined for other errors. */
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

/** Name of a TLS alert: `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA` becomes "unknown ca". */
function alertName(code: string): string {
  return code
    .replace(/^ERR_SSL_((SSL|TLS)V\d+_)?(ALERT_)?/, "")
    .replaceAll("_", " ")
    .toLowerCase();
}

/** Maximum length of the list of names, in UTF-16 code units: certificates may have hundreds of names. */
const MAX_NAMES_LENGTH = 300;

function nameText(error: Error, { expectedName }: TlsContext): string {
  const names = "cert" in error ? namesOf(error.cert as PeerCertificate) : "";
  const list = names === "" ? "has no names" : `is for ${cutText(names, MAX_NAMES_LENGTH)}`;
  return `the server's certificate is not for ${expectedName}, it ${list}: set the name to expect (tls.serverName, --tls-server-name)`;
}

/**
 * Names in the certificate: `DNS:relay.example.com, IP Address:10.0.0.1`, or the common name if there are no others.
 */
function namesOf({ subjectaltname = "", subject }: PeerCertificate): string {
  if (subjectaltname !== "") return subjectaltname;
  const commonName: unknown = subject?.CN;
  return typeof commonName === "string" ? `CN:${commonName}` : "";
}
