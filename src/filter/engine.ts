import type { Flow } from "../gen/flow/flow_pb.js";

/**
 * Compiles CEL expressions of `experimental.cel_expression`. Throws an Error whose message says what is wrong; the
 * predicate it returns may throw, which ends the field with false, as in Hubble.
 */
export interface CelEngine {
  /** Checks and compiles one expression. */
  compile(expression: string): (flow: Flow) => boolean;
}
