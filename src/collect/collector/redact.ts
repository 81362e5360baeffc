import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import { aBoolean, aListOf, aString, isObject, type ValueCheck } from "../../errors/value-checks.js";
import type { Flow, HTTP } from "../../gen/flow/flow_pb.js";

/**
 * What is removed from events, as with the options `hubble.redact` of Cilium: with no option set, the values of all HTTP
 * headers and the passwords in URLs. Removed values become `HUBBLE_REDACTED`.
 */
export interface Redaction {
  /** Whether queries and fragments of URLs are removed; default false. */
  readonly urlQuery?: boolean;
  /** Whether passwords in URLs are replaced; default true. */
  readonly userInfo?: boolean;
  /**
   * Names of HTTP headers in any case. With `allow`, the values of all others are replaced; with `deny`, the values of
   * these. Default: the values of all headers are replaced.
   */
  readonly headers?: RedactedHeaders;
  /** Whether the API key of a Kafka request is replaced; default false. */
  readonly kafkaApiKey?: boolean;
}

/** One of the two lists. */
export interface RedactedHeaders {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

const HEADERS: OptionTable<RedactedHeaders> = { allow: aListOf(aString), deny: aListOf(aString) };
const checkHeaderLists = optionsOf("headers", HEADERS);

const checkHeaders: ValueCheck<RedactedHeaders> = (value, path, report) => {
  checkHeaderLists(value, path, report);
  if (!isObject(value)) return;
  const { allow = [], deny = [] } = value as RedactedHeaders;
  if (allow.length > 0 && deny.length > 0)
    report(path, "has both allow and deny; as in Hubble, only one can be used");
};

export const redactionCheck: ValueCheck<Redaction> = optionsOf<Redaction>("redact", {
  urlQuery: aBoolean,
  userInfo: aBoolean,
  headers: checkHeaders,
  kafkaApiKey: aBoolean,
});

const REDACTED = "HUBBLE_REDACTED";

/** Whether redaction can change a flow. */
export function isRedactable({ l7 }: Flow): boolean {
  const record = l7?.record.case;
  return record === "http" || record === "kafka";
}

/**
 * Compiles a function that removes from a flow, in place, what must not leave this process.
 *
 * Rules of Hubble v1.16: pkg/hubble/parser/seven/http.go and kafka.go.
 */
export function compileRedaction(redaction: Redaction): (flow: Flow) => void {
  const { kafkaApiKey = false } = redaction;
  const redactUrl = compileUrl(redaction);
  const isVisible = compileHeaders(redaction.headers ?? {});
  const redactHttp = (http: HTTP, flow: Flow) => {
    const { url } = http;
    http.url = redactUrl(url);
    // The summary repeats the URL.
    if (http.url !== url) flow.Summary = flow.Summary.replaceAll(url, () => http.url);
    for (const header of http.headers) if (!isVisible(header.key.toLowerCase())) header.value = REDACTED;
  };
  return (flow) => {
    const record = flow.l7?.record;
    if (record?.case === "http") redactHttp(record.value, flow);
    if (record?.case === "kafka" && kafkaApiKey && record.value.apiKey !== "") record.value.apiKey = REDACTED;
  };
}

function compileHeaders({ allow = [], deny = [] }: RedactedHeaders): (name: string) => boolean {
  const names = new Set([...allow, ...deny].map((name) => name.toLowerCase()));
  return deny.length > 0 ? (name) => !names.has(name) : (name) => names.has(name);
}

function compileUrl({ urlQuery = false, userInfo = true }: Redaction): (url: string) => string {
  return (url) => {
    const path = urlQuery ? url.slice(0, endOfPath(url)) : url;
    return userInfo ? withoutPassword(path) : path;
  };
}

/** The index of the query or the fragment; the length if there is neither. */
function endOfPath(url: string): number {
  const index = url.search(/[?#]/);
  return index < 0 ? url.length : index;
}

/** RFC 3986, 3.2.1: the user information is before the last `@` of the authority; the password is after its first colon. */
function withoutPassword(url: string): string {
  const start = url.slice(0, endOfPath(url)).indexOf("//") + 2;
  if (start < 2) return url;
  const rest = url.slice(start);
  const end = rest.search(/[/?#]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf("@");
  const colon = authority.indexOf(":");
  if (at < 0 || colon < 0 || colon > at) return url;
  return `${url.slice(0, start + colon + 1)}${REDACTED}${url.slice(start + at)}`;
}
