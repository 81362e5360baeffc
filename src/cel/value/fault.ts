/**
 * The reason for a failed evaluation, with cel-go's error text. It is thrown but is not an Error, because capturing a
 * stack trace is expensive, `||` and `&&` may absorb the fault, and filters only need to know that there was one.
 */
export class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A function was called with an unsupported type. */
export const NO_OVERLOAD = new Fault("no such overload");

/** The evaluation exceeded its number of steps. This fault is never absorbed. */
export const OVER_BUDGET = new Fault("evaluation takes too many steps");
