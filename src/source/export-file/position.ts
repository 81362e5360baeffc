import { FlowscribeError } from "../../errors/errors.js";
import { isObject } from "../../errors/value-checks.js";
import type { JsonValue } from "../../observer/events/event-source.js";
import { FINGERPRINT_BYTES, type Fingerprint } from "./fingerprint.js";

/** How far an export file has been read. */
export interface FilePosition {
  readonly fingerprint: Fingerprint;
  /** Number of bytes, after decompression, that need not be read again. */
  readonly offset: number;
  /** The file before it, after which reading goes on if the file itself is gone. */
  readonly previous?: Fingerprint | undefined;
}

export function positionToJson({ fingerprint, offset, previous }: FilePosition): JsonValue {
  return {
    fingerprint: fingerprintToJson(fingerprint),
    offset,
    ...(previous && { previous: fingerprintToJson(previous) }),
  };
}

/** @throws FlowscribeError `open_failed` for a value that {@link positionToJson} has not returned. */
export function positionFromJson(path: string, json: JsonValue): FilePosition {
  const fields = fieldsOf(json);
  const fingerprint = fingerprintFromJson(fields.fingerprint);
  const previous = fields.previous === undefined ? undefined : fingerprintFromJson(fields.previous);
  const { offset } = fields;
  const isPrevious = fields.previous === undefined || previous !== undefined;
  if (isCount(offset) && fingerprint !== undefined && isPrevious) return { fingerprint, offset, previous };
  throw new FlowscribeError(
    "open_failed",
    `resume reading ${path}: the position is not that of an export file; remove the checkpoint to begin anew`,
  );
}

function fingerprintToJson({ bytes, sha256 }: Fingerprint): JsonValue {
  return { bytes, sha256 };
}

function fingerprintFromJson(json: JsonValue | undefined): Fingerprint | undefined {
  const { bytes, sha256 } = fieldsOf(json);
  if (!isCount(bytes) || bytes > FINGERPRINT_BYTES || typeof sha256 !== "string") return undefined;
  return /^[0-9a-f]{64}$/.test(sha256) ? { bytes, sha256 } : undefined;
}

function fieldsOf(json: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  // An object that is a JsonValue and not an array has fields.
  return isObject(json) ? (json as Readonly<Record<string, JsonValue>>) : {};
}

function isCount(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
