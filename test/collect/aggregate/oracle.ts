// A second implementation of the aggregation: the bytes of masked flows are the keys.
import { create, toBinary, toJson } from "@bufbuild/protobuf";
import type { FlowEnvelope } from "../../../src/filter/index.js";
import { AggregateSchema, type Flow, FlowSchema } from "../../../src/gen/flow/flow_pb.js";
import { compileFieldMask, flowResponse } from "../../../src/observer/index.js";

/** The key of a flow: the bytes of what the mask leaves of it, without the time. */
export function naiveKey(fields: readonly string[]): (flow: Flow) => string {
  const mask = compileFieldMask(fields);
  return (flow) => {
    const { value } = mask(flowResponse(flow)).responseTypes;
    const masked = { ...(value as Flow) };
    delete masked.time;
    return Buffer.from(toBinary(FlowSchema, masked)).toString("latin1");
  };
}

/** What all events become, without intervals and limits: events that are not flows, then the groups. */
export function naiveAggregate(
  events: readonly FlowEnvelope[],
  fields: readonly string[],
): { readonly flow: Flow; readonly counts: unknown }[] {
  const keyOf = naiveKey(fields);
  const groups = new Map<string, { flow: Flow; counts: [number, number, number] }>();
  for (const { responseTypes } of events) {
    if (responseTypes.case !== "flow") continue;
    const flow = responseTypes.value;
    const key = keyOf(flow);
    const group = groups.get(key) ?? { flow, counts: [0, 0, 0] };
    groups.set(key, group);
    const [ingress, egress, unknown] = countsOf(flow);
    group.counts = [group.counts[0] + ingress, group.counts[1] + egress, group.counts[2] + unknown];
  }
  return [...groups.values()].map(({ flow, counts }) => ({
    flow,
    counts: toJson(
      AggregateSchema,
      create(AggregateSchema, {
        ingressFlowCount: counts[0],
        egressFlowCount: counts[1],
        unknownDirectionFlowCount: counts[2],
      }),
    ),
  }));
}

function countsOf({ aggregate, trafficDirection }: Flow): readonly [number, number, number] {
  const before = aggregate && [
    aggregate.ingressFlowCount,
    aggregate.egressFlowCount,
    aggregate.unknownDirectionFlowCount,
  ];
  if (before?.some((count) => count > 0)) return before as [number, number, number];
  return [Number(trafficDirection === 1), Number(trafficDirection === 2), Number(trafficDirection % 3 === 0)];
}
