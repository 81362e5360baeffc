import { create } from "@bufbuild/protobuf";
import { checkArgument } from "../errors/check-argument.js";
import { describeValue } from "../errors/describe-value.js";
import { aMessage, isObject } from "../errors/value-checks.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../gen/observer/observer_pb.js";

const aFlow = aMessage<Flow>("flow.Flow");

/**
 * Wraps a flow in a response as Hubble's server sends it, with the flow's time and node name.
 *
 * @throws TypeError if `flow` is not a Flow.
 */
export function flowResponse(flow: Flow): GetFlowsResponse {
  if (flow?.$typeName !== "flow.Flow") checkArgument("flowResponse", "flow", flow, aFlow);
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: "flow", value: flow },
    nodeName: flow.nodeName,
    ...(flow.time && { time: flow.time }),
  });
}

/**
 * Returns an envelope unchanged, and wraps a bare flow.
 *
 * @param name The name of the public function, for error messages.
 * @throws TypeError if `event` is neither an envelope nor a flow.
 */
export function toEnvelope(
  name: string,
  event: GetFlowsResponse | ExportEvent | Flow,
): GetFlowsResponse | ExportEvent {
  switch (event?.$typeName) {
    case "flow.Flow":
      return flowResponse(event);
    case "observer.GetFlowsResponse":
    case "observer.ExportEvent":
      return event;
    default:
      throw new TypeError(
        `${name}: event must be a message of type GetFlowsResponse, ExportEvent or Flow, not ${describeMessage(event)}`,
      );
  }
}

/**
 * For error messages: the type of a message, or a description of a value that is not one. For a plain object, it also
 * says how to create a message.
 */
export function describeMessage(value: unknown): string {
  const { $typeName } = Object(value) as { $typeName?: unknown };
  if (typeof $typeName === "string") return $typeName;
  const advice = isObject(value)
    ? " (make messages of plain objects with create or fromJson of @bufbuild/protobuf)"
    : "";
  return `${describeValue(value)}${advice}`;
}
