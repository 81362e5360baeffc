import { elementsAt, membersAt } from "../../message/json/scan.js";
import type { LinePart } from "./parts.js";

/** A line that is not itself an event. */
export interface OtherLine {
  readonly text: string;
  /** The result of `JSON.parse`; undefined if the line is not JSON. */
  readonly json: unknown;
}

/** The content of an envelope: strings to be read like lines, or a part of a line. */
export type EnvelopeContent =
  | { readonly lines: readonly string[]; readonly part?: undefined }
  | { readonly part: LinePart; readonly lines?: undefined };

/** A format in which log collectors and other programs wrap events. */
export interface Envelope {
  /** The name in error messages, such as `docker log line`. */
  readonly name: string;
  /** Returns the content; undefined if the line does not have this format. */
  unwrap(line: OtherLine): EnvelopeContent | undefined;
}

/**
 * All known formats. The first one that contains an event is used, because Fluentd repeats `log` in `log_processed`.
 * The content may itself be wrapped.
 */
export const ENVELOPES: readonly Envelope[] = [
  { name: "list of events", unwrap: unwrapList },
  // https://docs.docker.com/engine/logging/drivers/json-file/
  { name: "docker log line", unwrap: unwrapDocker },
  // https://grpc-ecosystem.github.io/grpc-gateway/: every message of a stream
  field("result"),
  field("flows"),
  // https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry
  field("jsonPayload"),
  field("textPayload"),
  // Fluent Bit and Fluentd, the second with Merge_Log_Key
  field("log"),
  field("log_processed"),
  // Vector, Logstash and Filebeat; journald; Loki's logcli
  field("message"),
  field("MESSAGE"),
  field("line"),
  { name: "CRI log line", unwrap: unwrapCri },
  { name: "line with a log prefix", unwrap: unwrapPrefix },
  { name: "log message", unwrap: unwrapLogfmt },
];

type Members = Readonly<Record<string, unknown>>;

/** An object with a member that contains an event, a list of events, or a string. */
function field(name: string): Envelope {
  return {
    name: `log record's ${JSON.stringify(name)}`,
    unwrap: ({ text, json }) => {
      if (!isObject(json) || !Object.hasOwn(json, name)) return undefined;
      const content = json[name];
      if (typeof content === "string") return { lines: [content] };
      if (typeof content !== "object" || content === null) return undefined;
      const raw = memberText(text, name);
      return { lines: Array.isArray(content) ? elementTexts(raw) : [raw] };
    },
  };
}

function unwrapList({ text, json }: OtherLine): EnvelopeContent | undefined {
  return Array.isArray(json) ? { lines: elementTexts(text) } : undefined;
}

/** Docker ends the last part of a line, and only that part, with a line feed. */
function unwrapDocker({ json }: OtherLine): EnvelopeContent | undefined {
  if (!isObject(json)) return undefined;
  const { log, stream } = json;
  if (typeof log !== "string" || log === "" || (stream !== "stdout" && stream !== "stderr")) return undefined;
  return { part: { text: log, stream, isLast: log.endsWith("\n") ? true : undefined } };
}

/** https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md */
const CRI = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP])(?::\S*)? /;

function unwrapCri({ text, json }: OtherLine): EnvelopeContent | undefined {
  const match = json === undefined ? CRI.exec(text) : null;
  if (match === null) return undefined;
  const [prefix, stream, tag] = match;
  // The regular expression allows no other values.
  const part = { stream: stream as LinePart["stream"], isLast: tag === "F" };
  return { part: { text: text.slice(prefix.length), ...part } };
}

/**
 * A JSON object after a plain-text prefix: `kubectl logs --timestamps` and `--prefix`, `docker compose logs`, syslog,
 * klog, and logrus on a terminal. A line whose beginning is missing is not mistaken for one because its brackets do not
 * match.
 */
function unwrapPrefix({ text, json }: OtherLine): EnvelopeContent | undefined {
  const start = json === undefined ? text.indexOf("{") : -1;
  if (start < 1) return undefined;
  const content = text.slice(start);
  return isJson(content) ? { lines: [content] } : undefined;
}

/** `msg="…"` of logrus and slog, quoted as a Go string. */
const LOGFMT_MESSAGE = /(?:^|\s)msg="([^"\\]*(?:\\.[^"\\]*)*)"/;

function unwrapLogfmt({ text, json }: OtherLine): EnvelopeContent | undefined {
  const [, quoted] = (json === undefined && LOGFMT_MESSAGE.exec(text)) || [];
  // Go's quoting of JSON does not use escapes that JSON does not support.
  if (quoted === undefined || !isJson(`"${quoted}"`)) return undefined;
  return { lines: [JSON.parse(`"${quoted}"`) as string] };
}

/** Whether `JSON.parse` accepts the string. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(json: unknown): json is Members {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** Returns the raw JSON of an existing member; of duplicates the last one, as `JSON.parse` does. */
function memberText(json: string, wanted: string): string {
  let text = "";
  for (const { name, valueStart, valueEnd } of membersAt(json, json.indexOf("{"))) {
    if (name === wanted) text = json.slice(valueStart, valueEnd);
  }
  return text;
}

function elementTexts(json: string): string[] {
  return Array.from(elementsAt(json, json.indexOf("[")), ({ start, end }) => json.slice(start, end));
}
