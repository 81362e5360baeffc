import { expect } from "vitest";
import { FlagError } from "../../../src/observer/flags/index.js";

/** Returns the fault that a call throws. */
export function faultOf(call: () => unknown): FlagError {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FlagError);
  const error = thrown as FlagError;
  expect(error.code).toBe("invalid_flags");
  return error;
}
