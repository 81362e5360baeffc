import { elementsAt, membersAt } from "../json/scan.js";
import type { LinePart } from "./parts.js";

/** A line that is not an event by itself. */
export interface OtherLine {
  readonly text: string;
  /** What `JSON.parse` made of it; undefined when it is not JSON. */
  readonly json: unknown;
}

/** What an envelope holds: texts to be read as lines of their own, or a part of such a text. */
export type EnvelopeContent =
  | { readonly lines: readonly string[]; readonly part?: undefined }
  | { readonly part: LinePart; readonly lines?: undefined };

/** A form in which log collectors and other programs wrap events. */
export interface Envelope {
  /** For messages: `docker log line`. */
  readonly name: string;
  /** Undefined when the line does not have this form. */
  unwrap(line: OtherLine): EnvelopeContent | undefined;
}

/**
 * Every known form. The first one with an event in it counts: Fluentd repeats `log` in `log_processed`. The content may be
 * in an envelope again.
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

/** An object with a member that holds an event, a list of them, or text. */
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

/** The line ends with a line feed, which a part of one does not have. */
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
  // The expression allows no others.
  const part = { stream: stream as LinePart["stream"], isLast: tag === "F" };
  return { part: { text: text.slice(prefix.length), ...part } };
}

/**
 * An object behind text that is not JSON: `kubectl logs --timestamps` and `--prefix`, `docker compose logs`, syslog, klog,
 * logrus on a terminal. A line that is cut at its beginning is never taken for one: its brackets do not match.
 */
function unwrapPrefix({ text, json }: OtherLine): EnvelopeContent | undefined {
  const start = json === undefined ? text.indexOf("{") : -1;
  if (start < 1) return undefined;
  const content = text.slice(start);
  return isJson(content) ? { lines: [content] } : undefined;
}

/** `msg="…"` of logrus and slog: a Go string. */
const LOGFMT_MESSAGE = /(?:^|\s)msg="([^"\\]*(?:\\.[^"\\]*)*)"/;

function unwrapLogfmt({ text, json }: OtherLine): EnvelopeContent | undefined {
  const [, quoted] = (json === undefined && LOGFMT_MESSAGE.exec(text)) || [];
  // Escapes that Go has and JSON has not do not occur in what Go quotes of JSON.
  if (quoted === undefined || !isJson(`"${quoted}"`)) return undefined;
  return { lines: [JSON.parse(`"${quoted}"`) as string] };
}

/** Whether `JSON.parse` accepts a text. */
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

/** The text of a member that is there; of several with that name the last, as `JSON.parse` has it. */
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
