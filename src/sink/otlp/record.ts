import { create } from "@bufbuild/protobuf";
import { Verdict } from "../../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import {
  type AnyValue,
  AnyValueSchema,
  type KeyValue,
  KeyValueSchema,
  type LogRecord,
  LogRecordSchema,
  SeverityNumber,
} from "../../gen/opentelemetry/logs_service_pb.js";
import type { EncodedEvent } from "../../observer/events/encoded-event.js";
import type { OtlpAttributes, OtlpValue } from "./attributes.js";

/** How events become log records. */
export interface RecordForm {
  readonly attributes: OtlpAttributes;
  readonly body: (event: GetFlowsResponse | ExportEvent) => string;
}

const { INFO, WARN, ERROR } = SeverityNumber;

/** Exhaustive: a new verdict does not compile until it has a severity. */
const SEVERITIES: { readonly [K in Verdict]: SeverityNumber } = {
  [Verdict.VERDICT_UNKNOWN]: INFO,
  [Verdict.FORWARDED]: INFO,
  [Verdict.DROPPED]: WARN,
  [Verdict.ERROR]: ERROR,
  [Verdict.AUDIT]: WARN,
  [Verdict.REDIRECTED]: INFO,
  [Verdict.TRACED]: INFO,
  [Verdict.TRANSLATED]: INFO,
};

const SEVERITY_TEXTS: Readonly<Partial<Record<SeverityNumber, string>>> = {
  [INFO]: "INFO",
  [WARN]: "WARN",
  [ERROR]: "ERROR",
};

/** Times are unsigned 64-bit integers. */
const MAX_TIME = 2n ** 64n - 1n;

/** Converts an event to a log record. `observed` is its reception, in nanoseconds since 1970. */
export function toLogRecord(
  { kind, time }: Pick<EncodedEvent, "kind" | "time">,
  event: GetFlowsResponse | ExportEvent,
  observed: bigint,
  { attributes, body }: RecordForm,
): LogRecord {
  const severity = severityOf(event);
  return create(LogRecordSchema, {
    timeUnixNano: time !== undefined && time >= 0n && time <= MAX_TIME ? time : 0n,
    observedTimeUnixNano: observed,
    severityNumber: severity,
    severityText: SEVERITY_TEXTS[severity] ?? "",
    eventName: `hubble.${kind}`,
    body: { value: { case: "stringValue", value: body(event) } },
    attributes: attributesOf(attributes, event),
    traceId: traceIdOf(event),
  });
}

/** Converts values to attributes. */
export function toKeyValues(values: Readonly<Record<string, OtlpValue>>): KeyValue[] {
  return Object.entries(values).map(([key, value]) =>
    create(KeyValueSchema, { key, value: toAnyValue(value) }),
  );
}

function attributesOf(attributes: OtlpAttributes, event: GetFlowsResponse | ExportEvent): KeyValue[] {
  const values: Record<string, OtlpValue> = {};
  for (const [key, read] of Object.entries(attributes)) {
    const value = read(event);
    if (value !== undefined) values[key] = value;
  }
  return toKeyValues(values);
}

function toAnyValue(value: OtlpValue): AnyValue {
  switch (typeof value) {
    case "string":
      return create(AnyValueSchema, { value: { case: "stringValue", value } });
    case "boolean":
      return create(AnyValueSchema, { value: { case: "boolValue", value } });
    case "bigint":
      return create(AnyValueSchema, { value: { case: "intValue", value } });
    case "number":
      return Number.isInteger(value)
        ? create(AnyValueSchema, { value: { case: "intValue", value: BigInt(value) } })
        : create(AnyValueSchema, { value: { case: "doubleValue", value } });
    default:
      return create(AnyValueSchema, {
        value: { case: "arrayValue", value: { values: value.map(toAnyValue) } },
      });
  }
}

function severityOf({ responseTypes }: GetFlowsResponse | ExportEvent): SeverityNumber {
  switch (responseTypes.case) {
    case "flow":
      // Newer verdicts are not in the table.
      return SEVERITIES[responseTypes.value.verdict] ?? INFO;
    case "lostEvents":
      return WARN;
    default:
      return INFO;
  }
}

/** The trace ID of W3C Trace Context: 16 bytes in hexadecimal, not all zero. */
function traceIdOf({ responseTypes }: GetFlowsResponse | ExportEvent): Uint8Array {
  const id = responseTypes.case === "flow" ? (responseTypes.value.traceContext?.parent?.traceId ?? "") : "";
  return /^(?!0{32})[0-9a-fA-F]{32}$/.test(id) ? Buffer.from(id, "hex") : new Uint8Array();
}
