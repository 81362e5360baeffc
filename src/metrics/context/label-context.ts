import { type Flow, TrafficDirection } from "../../gen/flow/flow_pb.js";
import type { LabelValue } from "../series/label-values.js";
import { CONTEXT_LABEL_NAMES, CONTEXT_LABELS, type ContextLabel } from "./context-label.js";
import { CONTEXTS, type ContextName, type Side } from "./context-value.js";

/** The options for contexts of a metric. Of the contexts of a list, the first that is not empty applies. */
export interface ContextOptions {
  readonly source?: readonly ContextName[];
  /** Replaces `source` for egress traffic. */
  readonly sourceEgress?: readonly ContextName[];
  readonly sourceIngress?: readonly ContextName[];
  readonly destination?: readonly ContextName[];
  readonly destinationEgress?: readonly ContextName[];
  readonly destinationIngress?: readonly ContextName[];
  readonly labels?: readonly ContextLabel[];
}

/** The pod, as `namespace/name`, to which label values may be bound. The index is that of the first label of the context. */
export type PodOf = (values: readonly LabelValue[], at: number) => LabelValue;

/** The labels that a metric gets from its options for contexts. */
export interface LabelContext {
  readonly names: readonly string[];
  /** The fields of a Flow that they are read from, as proto field paths. */
  readonly reads: readonly string[];
  /** Writes the values of all labels, from the index `at` on. */
  write(flow: Flow, values: LabelValue[], at: number): void;
  /** The same for a response, whose source is the destination of the request that the labels describe. */
  writeSwapped(flow: Flow, values: LabelValue[], at: number): void;
  /** The pods to which a series is bound; empty if none is. */
  readonly podsOf: readonly PodOf[];
}

/** Compiles the options for contexts. The labels are those of `labelsContext`, `source`, `destination`. */
export function compileLabelContext(options: ContextOptions): LabelContext {
  const labels = CONTEXT_LABEL_NAMES.filter((name) => options.labels?.includes(name) === true);
  const source = compileSide("source", options.source, options.sourceEgress, options.sourceIngress);
  const destination = compileSide(
    "destination",
    options.destination,
    options.destinationEgress,
    options.destinationIngress,
  );
  const valuesOf = labels.map((name) => CONTEXT_LABELS[name].value);
  const count = labels.length;
  const write = (flow: Flow, values: LabelValue[], at: number, swaps: boolean) => {
    for (let index = 0; index < count; index++) values[at + index] = valuesOf[index]!(flow, swaps);
    // As Hubble: the contexts are those of the response's ends, and their values are swapped.
    const first = swaps ? destination : source;
    const second = swaps ? source : destination;
    let next = at + count;
    if (source !== undefined) values[next++] = first === undefined ? "" : first.value(flow);
    if (destination !== undefined) values[next] = second === undefined ? "" : second.value(flow);
  };
  return {
    names: [
      ...labels,
      ...(source === undefined ? [] : ["source"]),
      ...(destination === undefined ? [] : ["destination"]),
    ],
    reads: [
      ...labels.flatMap((name) => CONTEXT_LABELS[name].reads),
      ...(source?.reads ?? []),
      ...(destination?.reads ?? []),
    ],
    write: (flow, values, at) => write(flow, values, at, false),
    writeSwapped: (flow, values, at) => write(flow, values, at, true),
    podsOf: compilePods(labels, source?.hasPod, destination?.hasPod),
  };
}

interface CompiledSide {
  readonly value: (flow: Flow) => string;
  readonly reads: readonly string[];
  /** Whether a value may be that of the context `pod`. */
  readonly hasPod: boolean;
}

function compileSide(
  side: Side,
  both: readonly ContextName[] | undefined,
  egress: readonly ContextName[] | undefined,
  ingress: readonly ContextName[] | undefined,
): CompiledSide | undefined {
  const lists = [both, egress, ingress].filter((list) => list !== undefined);
  if (lists.length === 0) return undefined;
  const all = lists.flat();
  const [any, ofEgress, ofIngress] = [both ?? [], egress ?? both ?? [], ingress ?? both ?? []].map((list) =>
    compileList(side, list),
  ) as [Value, Value, Value];
  const hasDirections = egress !== undefined || ingress !== undefined;
  return {
    value: hasDirections ? (flow) => byDirection(flow, any, ofEgress, ofIngress) : any,
    reads: [
      ...all.flatMap((name) => CONTEXTS[name].reads(side)),
      ...(hasDirections ? ["traffic_direction"] : []),
    ],
    hasPod: all.includes("pod"),
  };
}

type Value = (flow: Flow) => string;

function byDirection(flow: Flow, any: Value, egress: Value, ingress: Value): string {
  switch (flow.trafficDirection) {
    case TrafficDirection.EGRESS:
      return egress(flow);
    case TrafficDirection.INGRESS:
      return ingress(flow);
    default:
      return any(flow);
  }
}

function compileList(side: Side, names: readonly ContextName[]): Value {
  const values = names.map((name) => CONTEXTS[name].value);
  if (values.length === 1) {
    const [value] = values as [(typeof values)[number]];
    return (flow) => value(flow, side);
  }
  return (flow) => {
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!(flow, side);
      if (value !== "") return value;
    }
    return "";
  };
}

/**
 * The rules of Hubble: a series is bound to a pod if `source` or `destination` can be a pod and is this one, or if both the
 * namespace and the pod of a side are labels and are those of this one.
 */
function compilePods(
  labels: readonly ContextLabel[],
  sourceHasPod: boolean | undefined,
  destinationHasPod: boolean | undefined,
): PodOf[] {
  const pods: PodOf[] = [];
  for (const side of ["source", "destination"] as const) {
    const pod = labels.indexOf(`${side}_pod`);
    const namespace = labels.indexOf(`${side}_namespace`);
    if (pod >= 0 && namespace >= 0)
      pods.push((values, at) => `${values[at + namespace]}/${values[at + pod]}`);
  }
  const source = labels.length;
  const destination = sourceHasPod === undefined ? source : source + 1;
  if (sourceHasPod === true) pods.push((values, at) => values[at + source]!);
  if (destinationHasPod === true) pods.push((values, at) => values[at + destination]!);
  return pods;
}
