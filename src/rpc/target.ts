import { checkArgument } from "../errors/check-argument.js";
import { FlowscribeError } from "../errors/errors.js";
import { aString } from "../errors/value-checks.js";

/** Where a server listens, and whether it is to be reached with TLS. */
export type Target =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls: boolean };

/** As gRPC has it for a name without one. */
const DEFAULT_PORT = 443;

const MAX_PORT = 0xffff;

/**
 * Reads an address as the Hubble CLI takes it: `unix:///var/run/cilium/hubble.sock` (or `unix:path`), `tls://host:port`,
 * `host:port`, `[v6]:port`, `dns:///host:port`. Without a port it is 443, as in gRPC.
 *
 * @throws FlowscribeError `invalid_target`.
 */
export function parseTarget(text: string): Target {
  checkArgument("parseTarget", "text", text, aString);
  if (text.startsWith("unix:")) {
    // unix:///absolute, unix:/absolute and unix:relative; an authority (unix://host/…) has no meaning.
    const rest = text.slice("unix:".length);
    const path = rest.startsWith("//") ? rest.slice("//".length) : rest;
    if (path === "" || (rest.startsWith("//") && !path.startsWith("/"))) throw invalid(text, "no path");
    if (path.includes("\0")) throw invalid(text, "a path holds no NUL");
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

/** Schemes of plain and of encrypted connections elsewhere. */
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
