import type { MessageInitShape } from "@bufbuild/protobuf";
import { type OptionTable, optionsOf } from "../errors/check-options.js";
import { aListOf, anInteger, anObjectOf, aString, required } from "../errors/value-checks.js";
import { L7FlowType, type Layer7Schema } from "../gen/flow/flow_pb.js";
import { goQuote } from "../go/strconv/quote.js";

/** An HTTP request or, with a `code`, the response to it. */
export interface HttpInit {
  /** Default `GET`. */
  readonly method?: string;
  /** Default `http://server/`. */
  readonly url?: string;
  /** The status code, which makes the flow a response. */
  readonly code?: number;
  /** Default `HTTP/1.1`. */
  readonly protocol?: string;
  /** Header values by name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Latency of a response; default 1. */
  readonly latencyMs?: number;
}

/** A DNS query or, with `ips`, `cnames` or `rcode`, the response to it. */
export interface DnsInit {
  /** The queried name; Hubble reports it with a trailing dot. */
  readonly query: string;
  /** Default `["A"]`. */
  readonly qtypes?: readonly string[];
  /** Addresses in the response. */
  readonly ips?: readonly string[];
  /** Canonical names in the response. */
  readonly cnames?: readonly string[];
  /** Response code, such as 3 for NXDOMAIN; default 0. */
  readonly rcode?: number;
  /** Time to live of the response in seconds; default 30. */
  readonly ttl?: number;
}

const HTTP_INIT: OptionTable<HttpInit> = {
  method: aString,
  url: aString,
  code: anInteger(0, 999),
  protocol: aString,
  headers: anObjectOf(aString),
  latencyMs: anInteger(0),
};

const DNS_INIT: OptionTable<DnsInit> = {
  query: required(aString),
  qtypes: aListOf(aString),
  ips: aListOf(aString),
  cnames: aListOf(aString),
  rcode: anInteger(0, 0xffff),
  ttl: anInteger(0, 0xffff_ffff),
};

export const anHttpInit = optionsOf("http", HTTP_INIT);
export const aDnsInit = optionsOf("dns", DNS_INIT);

/** The layer 7 part of a flow. */
export interface Layer7 {
  readonly isResponse: boolean;
  readonly message: MessageInitShape<typeof Layer7Schema>;
  /** The summary as formatted by Hubble (pkg/hubble/parser/seven of Cilium v1.16.2). */
  readonly summary: string;
}

export function httpLayer(init: HttpInit): Layer7 {
  const {
    method = "GET",
    url = "http://server/",
    code,
    protocol = "HTTP/1.1",
    headers = {},
    latencyMs = 1,
  } = init;
  const isResponse = code !== undefined;
  const value = {
    method,
    url,
    protocol,
    ...(isResponse && { code }),
    // Hubble sorts headers by name.
    headers: Object.keys(headers)
      .sort()
      .map((key) => ({ key, value: headers[key]! })),
  };
  return {
    isResponse,
    message: {
      type: isResponse ? L7FlowType.RESPONSE : L7FlowType.REQUEST,
      ...(isResponse && { latencyNs: BigInt(latencyMs) * 1_000_000n }),
      record: { case: "http", value },
    },
    summary: isResponse
      ? `${protocol} ${code} ${latencyMs}ms (${method} ${url})`
      : `${protocol} ${method} ${url}`,
  };
}

export function dnsLayer(init: DnsInit): Layer7 {
  const { query, qtypes = ["A"], ips = [], cnames = [], rcode = 0, ttl = 30 } = init;
  const isResponse = init.ips !== undefined || init.cnames !== undefined || init.rcode !== undefined;
  const question = { query, qtypes: [...qtypes], observationSource: "proxy" };
  const answer = { ips: [...ips], cnames: [...cnames], rcode, ttl };
  const type = isResponse ? L7FlowType.RESPONSE : L7FlowType.REQUEST;
  const value = isResponse ? { ...question, ...answer } : question;
  return {
    isResponse,
    message: { type, record: { case: "dns", value } },
    summary: isResponse
      ? `DNS Answer ${answerText(ips, cnames, rcode)} TTL: ${ttl} (Proxy ${query} ${qtypes.join(",")})`
      : `DNS Query ${query} ${qtypes.join(",")}`,
  };
}

/** gopacket's names of common response codes. */
const RESPONSE_CODES: Readonly<Record<number, string>> = {
  1: "Format Error",
  2: "Server Failure ",
  3: "Non-Existent Domain",
  4: "Not Implemented",
  5: "Query Refused",
};

function answerText(ips: readonly string[], cnames: readonly string[], rcode: number): string {
  if (rcode !== 0) return `RCode: ${RESPONSE_CODES[rcode] ?? "Unknown"}`;
  const parts: string[] = [];
  if (ips.length > 0) parts.push(goQuote(ips.join(",")));
  if (cnames.length > 0) parts.push(`CNAMEs: ${goQuote(cnames.join(","))}`);
  return parts.join(" ");
}
