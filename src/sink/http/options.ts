import type { Agent } from "node:http";
import { validateHeaderName, validateHeaderValue } from "node:http";
import type { SecureContextOptions } from "node:tls";
import { aClock, type Clock } from "../../async/clock.js";
import { type OptionTable, optionsOf } from "../../errors/check-options.js";
import { messageOf } from "../../errors/message.js";
import {
  aBoolean,
  anInteger,
  anObject,
  aString,
  checkedElsewhere,
  type ReportIssue,
  type ValueCheck,
  withMethods,
} from "../../errors/value-checks.js";

/** TLS settings of an `https` URL. Default: the certificate authorities of Node. */
export interface HttpTls extends Pick<SecureContextOptions, "ca" | "cert" | "key" | "passphrase"> {
  /** The name that the server's certificate must have; default: the host of the URL. */
  readonly servername?: string;
}

/** How sinks send requests over HTTP. */
export interface HttpOptions {
  /** Additional headers of every request. Their values never appear in errors. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Compress request bodies (`Content-Encoding: gzip`); default false. */
  readonly gzip?: boolean;
  /** How long a request may take in milliseconds, from connecting to the end of the answer; default 30,000. */
  readonly timeoutMs?: number;
  /**
   * The maximum size of a request body in bytes, before compression; default 4 MiB. Larger batches are divided. A single
   * event that is larger is refused.
   */
  readonly maxBodyBytes?: number;
  /**
   * The maximum time in milliseconds for which a `Retry-After` of the server (429, 503) delays the next request; default
   * 30,000.
   */
  readonly maxRetryAfterMs?: number;
  readonly tls?: HttpTls;
  /** Opens the connections, for proxies for example; not closed with the sink. Default: one connection that is kept alive. */
  readonly agent?: Agent;
  readonly clock?: Clock;
}

const HTTP_TLS: OptionTable<HttpTls> = {
  // Node checks these when the sink is opened.
  ca: checkedElsewhere,
  cert: checkedElsewhere,
  key: checkedElsewhere,
  passphrase: aString,
  servername: aString,
};

/** Headers that the sink sets itself. */
const OWN_HEADERS = ["content-encoding", "content-length", "content-type", "host", "transfer-encoding"];

export const aHeaderName: ValueCheck<string> = (value, path, report) => {
  aString(value, path, report);
  if (typeof value === "string") checkHeader(value, "", path, report);
};

export const aHeaderValue: ValueCheck<string> = (value, path, report) => {
  aString(value, path, report);
  if (typeof value === "string") checkHeader("header", value, path, report);
};

const someHeaders: ValueCheck<Readonly<Record<string, string>>> = (value, path, report) => {
  anObject(value, path, report);
  for (const [name, one] of Object.entries(Object(value))) {
    const header = `${path}.${name}`;
    if (OWN_HEADERS.includes(name.toLowerCase())) report(header, "is set by the sink itself");
    else if (typeof one !== "string") report(header, "must be a string");
    else checkHeader(name, one, header, report);
  }
};

/** Messages of Node about an invalid value have the name of the header only. */
function checkHeader(name: string, value: string, path: string, report: ReportIssue): void {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch (error) {
    report(path, messageOf(error));
  }
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export const HTTP_OPTIONS: OptionTable<HttpOptions> = {
  headers: someHeaders,
  gzip: aBoolean,
  timeoutMs: anInteger(1, MAX_TIMER_MS),
  maxBodyBytes: anInteger(1),
  maxRetryAfterMs: anInteger(0, MAX_TIMER_MS),
  tls: optionsOf("tls", HTTP_TLS),
  agent: withMethods<Agent>("an agent of node:http or node:https", "destroy"),
  clock: aClock,
};

export const HTTP_DEFAULTS = {
  timeoutMs: 30_000,
  maxBodyBytes: 4 * 1024 * 1024,
  maxRetryAfterMs: 30_000,
} as const;

/** An absolute URL with the scheme http or https. Its text may contain a password and is not in messages. */
export const anHttpUrl: ValueCheck<string> = (value, path, report) => {
  if (typeof value !== "string") aString(value, path, report);
  else if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    report(path, "must be an absolute URL with http or https");
  }
};
