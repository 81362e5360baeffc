import type { ExportEvent, GetFlowsResponse } from "../../gen/observer/observer_pb.js";
import { createResponseScan } from "../../message/decode-response.js";
import { sharedStrings } from "../../message/wire/string-cache.js";
import { decodeEvent, type EncodedEvent, encodeEvent } from "../../observer/events/encoded-event.js";
import { compileFieldMask } from "../../observer/field-mask.js";
import { compileRedaction, isRedactable, type Redaction } from "./redact.js";

/** Changes an event for an output; the event itself is not changed. Throws `malformed_message`. */
export type Transform = (event: EncodedEvent) => EncodedEvent;

/**
 * Compiles what an output changes; undefined if it changes nothing, so that the bytes of its events are those that were
 * read.
 *
 * @throws FieldMaskError
 */
export function compileTransform(
  fieldMask: readonly string[],
  redaction: Redaction | undefined,
): Transform | undefined {
  const mask = fieldMask.length === 0 ? undefined : compileFieldMask(fieldMask);
  const redact = redaction && compileRedaction(redaction);
  if (mask === undefined && redact === undefined) return undefined;
  // Few flows have a request: the others need not be decoded.
  const scan = createResponseScan(
    { flow: { l7: { http: { code: true }, kafka: { topic: true } } } },
    sharedStrings,
  );
  const hasRequest = (bytes: Uint8Array) => {
    const { responseTypes } = scan(bytes, 0, bytes.length);
    return responseTypes.case === "flow" && isRedactable(responseTypes.value);
  };
  return (event) => {
    if (event.kind !== "flow") return event;
    const isRedacted = redact !== undefined && hasRequest(event.bytes);
    if (mask === undefined && !isRedacted) return event;
    const decoded = decodeEvent(event);
    const flow = flowOf(decoded);
    if (isRedacted && flow !== undefined) redact?.(flow);
    // What identifies the event stays known, also if the mask removes it from the bytes.
    return { ...event, bytes: encodeEvent(mask === undefined ? decoded : mask(decoded)).bytes };
  };
}

function flowOf({ responseTypes }: GetFlowsResponse | ExportEvent) {
  return responseTypes.case === "flow" ? responseTypes.value : undefined;
}
