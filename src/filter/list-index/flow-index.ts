import type { Flow } from "../../gen/flow/flow_pb.js";

export type FlowTest = (flow: Flow) => boolean;

/** The filters that can only match flows with a certain value, as one test. */
export interface Bucket<Value> {
  readonly value: Value;
  readonly test: FlowTest;
}

/** Finds, among many filters, those that can match a flow, by a value that the flow must have. */
export interface FlowIndex<Value> {
  /** Of two keys that select equally well, the one with the lower cost is used. */
  readonly cost: number;
  /** Returns the same name for equal values only. */
  nameOf(value: Value): string | number | bigint | boolean;
  /**
   * Present if a flow can have many values at once, such as all prefixes of its name: a value then includes another if
   * its path is a prefix of the other's.
   */
  pathOf?(value: Value): string;
  /**
   * Compiles buckets with distinct values into a test that tries the buckets whose value the flow has. It reads the
   * fields that the field test reads, and keeps no reference to a flow.
   */
  compile(buckets: readonly Bucket<Value>[]): FlowTest;
}

/** A requirement on a flow: it has one of the values. */
export interface KeyCondition<Value = unknown> {
  readonly values: readonly Value[];
  /** Whether the whole field matches if the requirement is met, so that it need not be tested. */
  readonly suffices: boolean;
}

/** The values of a flow for which a field can match. */
export interface IndexKey<Value = unknown> {
  readonly index: FlowIndex<Value>;
  /**
   * The field only matches if at least one alternative holds. An alternative has at least one condition, and holds only
   * if all of its conditions do.
   */
  readonly alternatives: readonly (readonly KeyCondition<Value>[])[];
  /** The number of values in all conditions. */
  readonly size: number;
}

/** The key of a field that matches exactly if the flow has one of the values. */
export function exactKey<Value>(index: FlowIndex<Value>, values: readonly Value[]): IndexKey<Value> {
  return { index, alternatives: [[{ values, suffices: true }]], size: values.length };
}

/** The key of a field with several alternatives; undefined if one of them has no condition, as it selects nothing. */
export function alternativesKey<Value>(
  index: FlowIndex<Value>,
  alternatives: readonly (readonly KeyCondition<Value>[])[],
): IndexKey<Value> | undefined {
  if (alternatives.some((conditions) => conditions.length === 0)) return undefined;
  const size = alternatives.flat().reduce((sum, { values }) => sum + values.length, 0);
  return { index, alternatives, size };
}

/**
 * The costs of indexes, relative to each other. Values that are usually distinct come before those that many filters
 * share, and lookups of one value before searches.
 */
export const INDEX_COST = {
  id: 0,
  address: 1,
  pod: 2,
  identity: 3,
  service: 4,
  workload: 5,
  port: 6,
  name: 7,
  header: 8,
  label: 9,
  code: 10,
  enumeration: 11,
  pattern: 12,
} as const;
