import { expect } from "vitest";
import { FilterError } from "../../src/errors/errors.js";

/** Every fault that a function throws, as `path: message`. */
export function faultsOf(compile: () => unknown): string[] {
  try {
    compile();
  } catch (error) {
    expect(error).toBeInstanceOf(FilterError);
    return (error as FilterError).issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}
