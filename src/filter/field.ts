import type { Flow, FlowFilter } from "../gen/flow/flow_pb.js";
import type { RegexBudget } from "../regex/budget.js";
import type { RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";
import type { FlowEvent } from "./event.js";
import type { SelectorTrace } from "./labels/index.js";

/** The fields of a FlowFilter, by their names in the generated message. */
export type FilterField = Exclude<keyof FlowFilter, "$typeName" | "$unknown">;

/** What the fields of one filter are compiled with. */
export interface FieldContext {
  /** Notes a fault of the field, or of one of its elements. */
  report(message: string, index?: number): void;
  /** The whole filter: HTTP fields look at its event types. */
  readonly filter: FlowFilter;
  readonly regex: RegexEngine;
  /** Shared by all filters that are compiled at once. */
  readonly regexBudget: RegexBudget;
  readonly cel: CelEngine;
}

/** Turns the values of a field into a test; undefined when a fault has been reported. Called only for fields that are set. */
export type FieldCompiler<K extends FilterField> = (
  values: NonNullable<FlowFilter[K]>,
  context: FieldContext,
) => FieldTest | undefined;

/** Whether a field holds for an event. Never throws. */
export interface FieldTest {
  /** For a flow. */
  matches(flow: Flow): boolean;
  /** For every other event, none included; absent where none of these can match. */
  matchesOther?(event: Exclude<FlowEvent, Flow>): boolean;
  /** What the field looks at in the event, for people. */
  seen(event: FlowEvent): unknown;
  /** For people, too: what became of each label selector, in the order of the values. */
  trace?(event: FlowEvent): readonly SelectorTrace[];
  /** The fields of a Flow that are read, as paths of the message. */
  readonly reads: readonly string[];
  /** About how dear the test is: cheap ones come first. */
  readonly cost: "cheap" | "moderate" | "dear";
  /** The values of a flow that this field could match at all, for finding it among many filters; absent if it cannot tell. */
  readonly key?: IndexKey;
}

/** What an index over many filters goes by. */
export type IndexKey =
  | { readonly by: "sourceIp" | "destinationIp"; readonly values: readonly string[] }
  | { readonly by: "sourceIdentity" | "destinationIdentity"; readonly values: readonly number[] }
  | { readonly by: "sourcePort" | "destinationPort"; readonly values: readonly number[] }
  | { readonly by: "sourcePod" | "destinationPod"; readonly values: readonly NamePrefix[] };

/** A namespace ("" for any) and the beginning of a name. */
export interface NamePrefix {
  readonly namespace: string;
  readonly prefix: string;
}
