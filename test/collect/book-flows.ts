import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Endpoint, EndpointSchema, type Flow, FlowSchema } from "../../src/proto.js";

type EndpointInit = Exclude<MessageInitShape<typeof EndpointSchema>, Endpoint>;
type FlowInit = Exclude<MessageInitShape<typeof FlowSchema>, Flow>;

/** A pod with an identity that its name determines. */
export function pod(name: string, others: EndpointInit = {}): Endpoint {
  const [namespace = "", podName = ""] = name.split("/");
  const identity = 1000 + (name.codePointAt(name.length - 1) ?? 0);
  return create(EndpointSchema, { namespace, podName, identity, labels: [`k8s:app=${podName}`], ...others });
}

/** A flow from an address to 192.0.2.1, at a time in seconds. */
export function flowAt(
  seconds: number,
  address: string,
  source?: Endpoint | EndpointInit,
  others: FlowInit = {},
): Flow {
  return create(FlowSchema, {
    time: timestampFromMs(seconds * 1000),
    IP: { source: address, destination: "192.0.2.1" },
    ...(source && { source }),
    ...others,
  });
}
