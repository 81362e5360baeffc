import { suggest } from "../errors/suggest.js";
import type { EnumType } from "./type.js";

/** Terms of other systems for the values of an enum, by the term in upper case. */
export type Synonyms = Readonly<Record<string, string>>;

/** Returns the name of the enum value that the caller probably meant, ignoring case and respecting synonyms. */
export function suggestEnumValue(
  { values }: Pick<EnumType, "values">,
  given: string,
  synonyms: Synonyms = {},
): string | undefined {
  const names = values.map(({ name }) => name);
  const near = suggest(given.toUpperCase(), [...names, ...Object.keys(synonyms)]);
  return near === undefined ? undefined : (synonyms[near] ?? near);
}
