import { UsageError } from "../error-text.js";

/**
 * Parses an enum flag; undefined if the flag is not set.
 *
 * @throws UsageError for an unknown value.
 */
export function readChoice<const Choice extends string>(
  flag: string,
  choices: readonly Choice[],
  text: string | undefined,
): Choice | undefined {
  const choice = choices.find((known) => known === text);
  if (choice === undefined && text !== undefined) {
    throw new UsageError(`invalid ${flag}: ${text}, expected one of ${choices.join(", ")}`);
  }
  return choice;
}
