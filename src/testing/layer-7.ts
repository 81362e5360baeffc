import type { MessageInitShape } from "@bufbuild/protobuf";
import { type OptionTable, optionsOf } from "../errors/check-options.js";
import { aListOf, anInteger, anObjectOf, aString, required } from "../errors/value-checks.js";
import { L7FlowType, type Layer7Schema } from "../gen/flow/flow_pb.js";
import { goQuote } from "../go/quote.js";

/** An HTTP request, or with a `code` the response to it. */
export interface HttpInit {
  /** `GET` by default. */
  readonly method?: string;
  /** `http://server/` by default. */
  readonly url?: string;
  /** The status; it makes the flow a response. */
  readonly code?: number;
  /** `HTTP/1.1` by default. */
  readonly protocol?: string;
  /** By their names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a response, 1 by default. */
  readonly latencyMs?: number;
}

/** A DNS query, or with `ips`, `cnames` or `rcode` the response to it. */
export interface DnsInit {
  /** The name; Hubble reports it with a dot at its end. */
  readonly query: string;
  /** `["A"]` by default. */
  readonly qtypes?: readonly string[];
  /** The addresses of the answer. */
  readonly ips?: readonly string[];
  /** The canonical names of the answer. */
  readonly cnames?: readonly string[];
  /** The response code, such as 3 for NXDOMAIN; 0 by default. */
  readonly rcode?: number;
  /** Of an answer, in seconds; 30 by default. */
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

/** What an exchange of an application makes of a flow. */
export interface Layer7 {
  readonly isResponse: boolean;
  readonly message: MessageInitShape<typeof Layer7Schema>;
  /** As Hubble writes it (pkg/hubble/parser/seven of Cilium v1.16.2). */
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
    // Hubble sorts them by name.
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

/** gopacket's names of the response codes in use. */
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
