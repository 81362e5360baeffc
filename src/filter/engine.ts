import type { Flow } from "../gen/flow/flow_pb.js";

/** Compiles the CEL expressions of `experimental.cel_expression`. */
export interface CelEngine {
  /**
   * Checks and compiles one expression. Throws an Error whose message describes the fault. The returned predicate may
   * throw; the field then does not match, as in Hubble.
   */
  compile(expression: string): (flow: Flow) => boolean;
}
