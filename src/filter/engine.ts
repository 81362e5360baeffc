import type { Flow } from "../gen/flow/flow_pb.js";

/** A compiled expression. It may throw; the field then does not match, as in Hubble. */
export interface CelPredicate {
  (flow: Flow): boolean;
  /**
   * The fields of a flow that the predicate reads, as proto paths such as `source.labels`; all fields if absent. It may
   * be called with a flow that contains only these fields.
   */
  readonly reads?: readonly string[];
}

/** Compiles the CEL expressions of `experimental.cel_expression`. */
export interface CelEngine {
  /** Checks and compiles one expression. Throws an Error whose message describes the fault. */
  compile(expression: string): CelPredicate;
}
