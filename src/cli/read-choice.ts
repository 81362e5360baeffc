import { UsageError } from "./error-text.js";

/**
 * The value of a flag that takes one of a few words; undefined when it was not given.
 *
 * @throws UsageError for another word.
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
