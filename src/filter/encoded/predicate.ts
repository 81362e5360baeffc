import { checkByteRange } from "../../errors/check-byte-range.js";
import { createResponseScan } from "../../message/decode-response.js";
import { StringCache, sharedStrings } from "../../message/wire/string-cache.js";
import { combineTests, type TestLists } from "../combine.js";
import { withoutEnvelope } from "../event.js";
import type { FlowFilterOptions } from "../filter-options.js";
import { FlowInResponse } from "./flow-in-response.js";
import { compileStages, type EncodedTest, treeOf } from "./stages.js";

/** Evaluates filters on encoded events. */
export interface EncodedPredicate {
  /**
   * Whether an encoded `flow.Flow` matches. The result is that of decoding the flow and calling the predicate, but only
   * the fields that the filters read are decoded.
   *
   * @param flow The buffer with the flow. It is not changed and not kept.
   * @param start The offset of the flow in the buffer, in bytes; 0 by default.
   * @param end The offset after the flow; the length of the buffer by default.
   * @throws FlowscribeError with the code `malformed_message` if the bytes are not a valid Flow. Damage within a field
   * that is not read is not noticed.
   * @throws TypeError for other arguments, and for a buffer that was transferred to another thread.
   */
  bytes(flow: Uint8Array, start?: number, end?: number): boolean;
  /**
   * Whether the event in an encoded `observer.GetFlowsResponse` matches: a flow, lost events, or nothing, such as a node
   * status. Parameters and errors are those of `bytes`.
   */
  response(response: Uint8Array, start?: number, end?: number): boolean;
}

/**
 * Creates the functions for encoded events. What they need is set up at the first call, so that compiling filters for
 * decoded events takes no longer.
 */
export function encodedPredicate(
  tests: TestLists,
  { stringCacheBytes }: FlowFilterOptions,
): EncodedPredicate {
  let testFlow: EncodedTest | undefined;
  let testResponse: EncodedTest | undefined;
  let strings: StringCache | undefined;
  const ownStrings = () => {
    strings ??= stringCacheBytes === undefined ? sharedStrings : new StringCache(stringCacheBytes);
    return strings;
  };
  return {
    bytes(flow, start = 0, end = flow?.length) {
      checkByteRange("bytes", "flow", flow, start, end);
      testFlow ??= compileStages(tests, ownStrings());
      return testFlow(flow, start, end);
    },
    response(response, start = 0, end = response?.length) {
      checkByteRange("response", "response", response, start, end);
      testResponse ??= compileResponse(tests, ownStrings());
      return testResponse(response, start, end);
    },
  };
}

/** Tests the flow of a usual response where it is; decodes other responses. */
function compileResponse(tests: TestLists, strings: StringCache): EncodedTest {
  const { matches, matchesOther } = combineTests(tests);
  const tree = treeOf(tests);
  const scan = createResponseScan({ flow: tree, lost_events: true }, strings);
  const testDecoded: EncodedTest = (bytes, start, end) => {
    const event = withoutEnvelope(scan(bytes, start, end));
    return event?.$typeName === "flow.Flow" ? matches(event) : matchesOther(event);
  };
  const testFlow = compileStages(tests, strings);
  const flow = new FlowInResponse();
  return (bytes, start, end) => {
    if (!flow.find(bytes, start, end)) return testDecoded(bytes, start, end);
    try {
      return testFlow(bytes, flow.start, flow.end);
    } catch {
      // protobuf-es accepts a flow that ends beyond its length, so the whole response decides.
      return testDecoded(bytes, start, end);
    }
  };
}
