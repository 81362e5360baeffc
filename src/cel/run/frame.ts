import { OVER_BUDGET } from "../value/fault.js";

/** The state of an evaluation. Each program reuses one frame, as evaluation is synchronous and never nested. */
export class Frame {
  /** The variables of the expression, followed by those of its macros by nesting depth. */
  readonly values: unknown[];
  /** The remaining steps. */
  steps = 0;

  constructor(length: number) {
    this.values = new Array<unknown>(length).fill(undefined);
  }

  /** Spends steps for work that the length of the expression does not bound. Throws {@link OVER_BUDGET}. */
  spend(steps: number): void {
    this.steps -= steps;
    if (this.steps < 0) throw OVER_BUDGET;
  }

  /** Spends steps for reading a number of characters, bytes or elements. */
  spendOn(length: number): void {
    this.spend(length / UNITS_PER_STEP);
  }
}

/** The number of characters, bytes or elements per step. */
const UNITS_PER_STEP = 16;
