import { checkArgument } from "../errors/check-argument.js";
import { FlowscribeError } from "../errors/errors.js";
import { aString } from "../errors/value-checks.js";
import { utf8Length } from "../go/utf8.js";

/** The address of a server, and whether to connect with TLS. */
export type Target =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: boolean };

/** gRPC's default port. */
const DEFAULT_PORT = 443;

const MAX_PORT = 0xffff;
/** `sun_path` of Linux has 108 bytes with the final NUL: https://man7.org/linux/man-pages/man7/unix.7.html */
const MAX_UNIX_PATH_BYTES = 107;

/**
 * Parses a server address as the Hubble CLI does: `unix:///var/run/cilium/hubble.sock` (or `unix:path`),
 * `tls://host:port`, `host:port`, `[v6]:port`, `dns:///host:port`. The default port is 443, as in gRPC.
 *
 * @throws FlowscribeError `invalid_target`.
 */
export function parseTarget(text: string): Target {
  checkArgument("parseTarget", "text", text, aString);
  if (text.startsWith("unix:")) {
    // unix:///absolute, unix:/absolute and unix:relative; an authority (unix://host/…) is invalid.
    const rest = text.slice("unix:".length);
    const path = rest.startsWith("//") ? rest.slice("//".length) : rest;
    if (path === "" || (rest.startsWith("//") && !path.startsWith("/"))) throw invalid(text, "no path");
    if (path.includes("\0")) throw invalid(text, "a path cannot contain NUL");
    // Node truncates a longer path without an error.
    if (utf8Length(path) > MAX_UNIX_PATH_BYTES) {
      throw invalid(text, `the path of a Unix socket has at most ${MAX_UNIX_PATH_BYTES} bytes`);
    }
    return { kind: "unix", path };
  }
  if (text.startsWith("tls://")) return tcpTarget(text, text.slice("tls://".length), true);
  if (text.startsWith("dns:"))
    return tcpTarget(text, text.slice("dns:".length).replace(/^\/\/[^/]*\//, ""), false);
  const [, scheme, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (scheme !== undefined)
    throw invalid(text, `unknown scheme; ${schemeAdvice(scheme.toLowerCase(), rest)}`);
  return tcpTarget(text, text, false);
}

function tcpTarget(text: string, hostAndPort: string, tls: boolean): Target {
  const parts =
    /^\[([0-9a-f:.]+(?:%[^\]/?#@\s]+)?)\](?::(\d+))?$/i.exec(hostAndPort) ??
    /^([^:/?#@[\]\s]+)(?::(\d+))?$/.exec(hostAndPort);
  const [, host, portText] = parts ?? [];
  if (host === undefined) throw invalid(text, "expected host:port, [IPv6 address]:port or unix://path");
  const port = portText === undefined ? DEFAULT_PORT : Number(portText);
  if (port > MAX_PORT) throw invalid(text, `port ${portText} out of range`);
  return { kind: "tcp", host, port, tls };
}

/** Unsupported schemes that other tools use for plain and for TLS connections. */
const PLAIN_SCHEMES: readonly string[] = ["http", "grpc", "tcp", "h2c", "passthrough", "ipv4", "ipv6"];
const TLS_SCHEMES: readonly string[] = ["https", "grpcs", "ssl", "h2"];

function schemeAdvice(scheme: string, rest: string): string {
  const address = /^\/?([^/?#]*)/.exec(rest)?.[1] ?? "";
  if (address !== "" && PLAIN_SCHEMES.includes(scheme)) return `write ${address}`;
  if (address !== "" && TLS_SCHEMES.includes(scheme)) return `write tls://${address}`;
  return "expected host:port, tls://host:port or unix:///path";
}

function invalid(text: string, fault: string): FlowscribeError {
  return new FlowscribeError("invalid_target", `invalid server address ${JSON.stringify(text)}: ${fault}`);
}
