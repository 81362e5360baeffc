import { create } from "@bufbuild/protobuf";
import type { Flow } from "../gen/flow/flow_pb.js";
import {
  type ExportEvent,
  type GetFlowsResponse,
  GetFlowsResponseSchema,
} from "../gen/observer/observer_pb.js";

/** A flow as Hubble's server sends it: in a response that also has its time and the name of its node. */
export function flowResponse(flow: Flow): GetFlowsResponse {
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
        "neither a GetFlowsResponse nor an ExportEvent nor a Flow: see fromJson for plain objects",
      );
  }
}
