import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type EndpointSchema, type Flow, FlowSchema } from "../../src/proto.js";

type EndpointInit = MessageInitShape<typeof EndpointSchema>;

/** A pod with an identity that its name determines. */
export function pod(name: string, others: EndpointInit = {}): EndpointInit {
  const [namespace = "", podName = ""] = name.split("/");
  const identity = 1000 + (name.codePointAt(name.length - 1) ?? 0);
  return { namespace, podName, identity, labels: [`k8s:app=${podName}`], ...others };
}

/** A flow from an address to 192.0.2.1, at a time in seconds. */
export function flowAt(
  seconds: number,
  address: string,
  source?: EndpointInit,
  others: MessageInitShape<typeof FlowSchema> = {},
): Flow {
  return create(FlowSchema, {
    time: timestampFromMs(seconds * 1000),
    IP: { source: address, destination: "192.0.2.1" },
    ...(source && { source }),
    ...others,
  });
}
