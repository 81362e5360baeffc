/**
 * Why an evaluation failed, in cel-go's words. It is thrown, but is no Error: no stack is taken, since `||` and `&&` may
 * absorb it, and since a filter asks only whether there was one.
 */
export class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A value is not of a type that a function takes. */
export const NO_OVERLOAD = new Fault("no such overload");

/** The evaluation took more steps than it may. Nothing absorbs this one. */
export const OVER_BUDGET = new Fault("evaluation takes too many steps");
