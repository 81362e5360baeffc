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

/** A flow as Hubble's server sends it: in a response that also has its time and the name of its node. */
export function flowResponse(flow: Flow): GetFlowsResponse {
  if (flow?.$typeName !== "flow.Flow") checkArgument("flowResponse", "flow", flow, aFlow);
  return create(GetFlowsResponseSchema, {
    responseTypes: { case: "flow", value: flow },
    nodeName: flow.nodeName,
    ...(flow.time && { time: flow.time }),
  });
}

/**
 * An event in its envelope, a bare flow in a new one.
 *
 * @param name The function, for the message.
 * @throws TypeError for what is neither.
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

/** For messages: the type of a message, or what a value is that is not one, and how to make one of a plain object. */
export function describeMessage(value: unknown): string {
  const { $typeName } = Object(value) as { $typeName?: unknown };
  if (typeof $typeName === "string") return $typeName;
  const advice = isObject(value)
    ? " (make messages of plain objects with create or fromJson of @bufbuild/protobuf)"
    : "";
  return `${describeValue(value)}${advice}`;
}
