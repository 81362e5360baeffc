import { OVER_BUDGET } from "./fault.js";

/** The state of one evaluation. Programs keep one each and use it again: evaluation is synchronous and never nests. */
export class Frame {
  /** The variables of the expression, then those of its macros by how deep they are nested. */
  readonly values: unknown[];
  /** How much may yet be done. */
  steps = 0;

  constructor(length: number) {
    this.values = new Array<unknown>(length).fill(undefined);
  }

  /** Pays for work beyond what the length of the expression bounds. */
  spend(steps: number): void {
    this.steps -= steps;
    if (this.steps < 0) throw OVER_BUDGET;
  }

  /** Pays for looking at so many characters, bytes or elements. */
  spendOn(length: number): void {
    this.spend(length / UNITS_PER_STEP);
  }
}

/** Characters, bytes or elements handled for a step. */
const UNITS_PER_STEP = 16;
