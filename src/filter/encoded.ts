import { checkArgument } from "../errors/check-argument.js";
import { anInteger, aUint8Array } from "../errors/value-checks.js";
import { createFlowScan, type FlowScan } from "../message/decode-flow.js";
import { createResponseScan, type ResponseScan } from "../message/decode-response.js";
import { fieldTree } from "../message/field-tree.js";
import { StringCache, sharedStrings } from "../message/string-cache.js";
import { withoutEnvelope } from "./event.js";
import type { FieldTest } from "./field.js";
import type { AnyTest } from "./filter-list.js";
import type { FlowFilterOptions } from "./filter-options.js";

/** Evaluates filters on encoded events. */
export interface EncodedPredicate {
  /**
   * Whether an encoded `flow.Flow` matches. The result is that of decoding the flow and calling the predicate, but only
   * the fields that the filters read are decoded: see {@link FlowPredicate}.
   *
   * @param flow The buffer with the flow. It is not changed and not kept.
   * @param start The offset of the flow in the buffer, in bytes; 0 by default.
   * @param end The offset after the flow; the length of the buffer by default.
   * @throws FlowscribeError with the code `malformed_message` if the bytes are not a valid Flow. Damage within a field
   * that no filter reads is not noticed.
   * @throws TypeError for other arguments.
   */
  bytes(flow: Uint8Array, start?: number, end?: number): boolean;
  /**
   * Whether the event in an encoded `observer.GetFlowsResponse` matches: a flow, lost events, or nothing, such as a node
   * status. Parameters and errors are those of {@link bytes}.
   */
  response(response: Uint8Array, start?: number, end?: number): boolean;
}

/**
 * Creates the functions for encoded events. What they need is set up at the first call, so that compiling filters for
 * decoded events takes no longer.
 *
 * @param fields The fields of all filters.
 */
export function encodedPredicate(
  { matches, matchesOther }: AnyTest,
  fields: readonly Pick<FieldTest, "reads">[],
  { stringCacheBytes }: FlowFilterOptions,
): EncodedPredicate {
  let scanFlow: FlowScan | undefined;
  let scanResponse: ResponseScan | undefined;
  const readTree = () => fieldTree([...new Set(fields.flatMap(({ reads }) => reads))]);
  let strings: StringCache | undefined;
  const ownStrings = () => {
    strings ??= stringCacheBytes === undefined ? sharedStrings() : new StringCache(stringCacheBytes);
    return strings;
  };
  return {
    bytes(flow, start = 0, end = flow?.length) {
      if (!(flow instanceof Uint8Array) || !isRange(flow, start, end))
        checkRange("bytes", "flow", flow, start, end);
      scanFlow ??= createFlowScan(readTree(), ownStrings());
      return matches(scanFlow(flow, start, end));
    },
    response(response, start = 0, end = response?.length) {
      if (!(response instanceof Uint8Array) || !isRange(response, start, end)) {
        checkRange("response", "response", response, start, end);
      }
      scanResponse ??= createResponseScan({ flow: readTree(), lost_events: true }, ownStrings());
      const event = withoutEnvelope(scanResponse(response, start, end));
      return event?.$typeName === "flow.Flow" ? matches(event) : matchesOther(event);
    },
  };
}

function isRange({ length }: Uint8Array, start: number, end: number): boolean {
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end <= length;
}

function checkRange(name: string, argument: string, bytes: Uint8Array, start: number, end: number): void {
  checkArgument(name, argument, bytes, aUint8Array);
  checkArgument(name, "start", start, anInteger(0, bytes.length));
  checkArgument(name, "end", end, anInteger(start, bytes.length));
}
