import { create } from "@bufbuild/protobuf";
import { checkArgument } from "../errors/check-argument.js";
import { aMessage } from "../errors/value-checks.js";
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

/** An event in its envelope, a bare flow in a new one. Throws a TypeError for what is neither. */
export function toEnvelope(event: GetFlowsResponse | ExportEvent | Flow): GetFlowsResponse | ExportEvent {
  switch (event?.$typeName) {
    case "flow.Flow":
      return flowResponse(event);
    case "observer.GetFlowsResponse":
    case "observer.ExportEvent":
      return event;
    default:
      throw new TypeError(
        "the event is neither a GetFlowsResponse nor an ExportEvent nor a Flow: see fromJson for plain objects",
      );
  }
}
