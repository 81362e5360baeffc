import { toBinary } from "@bufbuild/protobuf";
import { FlowscribeError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import type { FlowPredicate } from "../../filter/index.js";
import type { Flow } from "../../gen/flow/flow_pb.js";
import { type GetFlowsResponse, GetFlowsResponseSchema } from "../../gen/observer/observer_pb.js";
import { createResponseScan, decodeGetFlowsResponse } from "../../message/decode-response.js";
import { sharedStrings } from "../../message/wire/string-cache.js";
import { RpcError } from "../../recorder/service/error.js";
import { RESUMPTION_FIELDS, type Resumption } from "./resumption.js";

/** A response as it arrived: encoded, or decoded by the transport. */
export type Received = Uint8Array | GetFlowsResponse;

/** A predicate for flows. Compiled filters also evaluate encoded responses, which is many times as fast. */
export type FlowTest = ((flow: Flow) => boolean) & Partial<Pick<FlowPredicate, "response">>;

/** The responses to yield. If there is a fault, it ends the stream after them. */
export interface Selection<T> {
  readonly selected: T[];
  readonly fault: { readonly error: unknown } | undefined;
}

/**
 * Selects the responses to yield: not yet seen, and accepted by the filter. Counts them.
 *
 * Encoded responses are decoded only if they are yielded decoded, and after the filter if that evaluates encoded ones.
 */
export class ResponseSelector<T extends Received> {
  readonly #filter: FlowTest | undefined;
  readonly #yieldsEncoded: boolean;
  readonly #scan = createResponseScan({ lost_events: true, flow: {} }, sharedStrings);
  readonly #scanForResumption = createResponseScan(RESUMPTION_FIELDS, sharedStrings);
  received = 0;
  filtered = 0;
  repeated = 0;
  lost = 0;

  /** @param yieldsEncoded Whether `T` is the encoded form. */
  constructor(filter: FlowTest | undefined, yieldsEncoded: boolean) {
    this.#filter = filter;
    this.#yieldsEncoded = yieldsEncoded;
  }

  /** Responses after one that is not valid protobuf are not selected. */
  select(batch: readonly Received[], resumption: Resumption | undefined): Selection<T> {
    const selected: T[] = [];
    for (const received of batch) {
      try {
        const response = this.#selectOne(received, resumption);
        // True because of the constructor's condition.
        if (response !== undefined) selected.push(response as T);
      } catch (error) {
        return { selected, fault: { error: isMalformed(error) ? notProtobuf(error) : error } };
      }
    }
    return { selected, fault: undefined };
  }

  #selectOne(received: Received, resumption: Resumption | undefined): Received | undefined {
    if (!(received instanceof Uint8Array)) {
      if (!this.#accepts(received, undefined, resumption)) return undefined;
      return this.#yieldsEncoded ? toBinary(GetFlowsResponseSchema, received) : received;
    }
    if (!this.#yieldsEncoded && this.#filter?.response === undefined) {
      const response = decodeGetFlowsResponse(received);
      return this.#accepts(response, undefined, resumption) ? response : undefined;
    }
    const fields = (resumption === undefined ? this.#scan : this.#scanForResumption)(
      received,
      0,
      received.length,
    );
    if (!this.#accepts(fields, received, resumption)) return undefined;
    return this.#yieldsEncoded ? received : decodeGetFlowsResponse(received);
  }

  /**
   * @param response The response; of an encoded one only the fields that are read here.
   * @param encoded Undefined if the filter is to evaluate the decoded response.
   */
  #accepts(
    response: GetFlowsResponse,
    encoded: Uint8Array | undefined,
    resumption: Resumption | undefined,
  ): boolean {
    this.received++;
    if (resumption !== undefined && !resumption.accept(response)) {
      this.repeated++;
      return false;
    }
    const { responseTypes } = response;
    if (responseTypes.case === "lostEvents") this.lost += Number(responseTypes.value.numEventsLost);
    if (responseTypes.case !== "flow" || this.#passes(responseTypes.value, encoded)) return true;
    this.filtered++;
    return false;
  }

  #passes(flow: Flow, encoded: Uint8Array | undefined): boolean {
    const filter = this.#filter;
    if (filter === undefined) return true;
    if (encoded === undefined) return filter(flow);
    if (filter.response !== undefined) return filter.response(encoded);
    const { responseTypes } = decodeGetFlowsResponse(encoded);
    return responseTypes.case === "flow" && filter(responseTypes.value);
  }
}

function isMalformed(error: unknown): boolean {
  return error instanceof FlowscribeError && error.code === "malformed_message";
}

/** As in grpc-go. */
function notProtobuf(cause: unknown): RpcError {
  const message = `the server sent a response that is not valid protobuf: ${messageOf(cause)}`;
  return new RpcError("INTERNAL", message, { cause });
}
