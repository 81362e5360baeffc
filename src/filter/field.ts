import type { Flow, FlowFilter } from "../gen/flow/flow_pb.js";
import type { HubbleRules } from "../hubble/rules.js";
import type { RegexBudget } from "../regex/budget.js";
import type { RegexEngine } from "../regex/regex.js";
import type { CelEngine } from "./engine.js";
import type { FlowEvent } from "./event.js";
import type { SelectorTrace } from "./labels/index.js";
import type { IgnoresLabel } from "./labels/relevant-labels.js";
import type { IndexKey } from "./list-index/flow-index.js";

/** The fields of a FlowFilter, by their names in the generated message. */
export type FilterField = Exclude<keyof FlowFilter, "$typeName" | "$unknown">;

/** The dependencies for compiling the fields of one filter. */
export interface FieldContext {
  /** Reports a fault of the field, or of the element at `index`. */
  report(message: string, index?: number): void;
  /** The whole filter; HTTP fields depend on its event types. */
  readonly filter: FlowFilter;
  /** The rules of the version of Hubble. */
  readonly rules: HubbleRules;
  readonly regex: RegexEngine;
  /** Shared by all filters that are compiled together. */
  readonly regexBudget: RegexBudget;
  readonly cel: CelEngine;
}

/**
 * Compiles the values of a field into a test. Returns undefined after reporting a fault, or if the field is empty.
 * Called only for fields that are set.
 */
export type FieldCompiler<K extends FilterField> = (
  values: NonNullable<FlowFilter[K]>,
  context: FieldContext,
) => FieldTest | undefined;

/** Whether a field holds for an event. Never throws. */
export interface FieldTest {
  /** Whether the field holds for a flow. */
  matches(flow: Flow): boolean;
  /**
   * Whether the field holds for any other event, including undefined; absent if the field can only match flows. Depends
   * only on the kind of the event and its `type`.
   */
  matchesOther?(event: Exclude<FlowEvent, Flow>): boolean;
  /** The value of the event that the field compares, for explanations. */
  seen(event: FlowEvent): unknown;
  /** For explanations: the result of each label selector, in the order of the values. */
  trace?(event: FlowEvent): readonly SelectorTrace[];
  /** The fields of a Flow that the test reads, as proto field paths. */
  readonly reads: readonly string[];
  /**
   * Replaces `reads` where the set case of a oneof can be read without its message: its path is that of the oneof, such as
   * `l4.protocol`.
   */
  readonly readsCases?: readonly string[];
  /** For a test that only reads a list of labels: which of them it ignores, so that they need not be decoded. */
  readonly ignoresLabel?: IgnoresLabel;
  /** The approximate cost of the test; cheap tests run first. */
  readonly cost: "cheap" | "moderate" | "expensive";
  /**
   * The values of a flow for which this field can match, so that many filters can be indexed; absent if they cannot be
   * listed.
   */
  readonly key?: IndexKey | undefined;
}

/** A namespace ("" matches any) and the prefix of a name. */
export interface NamePrefix {
  readonly namespace: string;
  readonly prefix: string;
}
