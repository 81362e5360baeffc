import { suggest } from "../errors/suggest.js";
import type { EnumType } from "./type.js";

/** Terms of other systems for the values of an enum, by the term in upper case. */
export type Synonyms = Readonly<Record<string, string>>;

/**
 * Returns the name of the enum value that the caller probably meant, ignoring case, with or without the prefix that all
 * names of an enum have (`PROTOCOL_`), and respecting synonyms.
 */
export function suggestEnumValue(
  { values }: Pick<EnumType, "values">,
  given: string,
  synonyms: Synonyms = {},
): string | undefined {
  const names = values.map(({ name }) => name);
  const wanted = given.toUpperCase();
  const near = suggest(wanted, [...names, ...Object.keys(synonyms)]);
  if (near !== undefined) return synonyms[near] ?? near;
  const [withPrefix, other] = names.filter((name) => name.endsWith(`_${wanted}`));
  return other === undefined ? withPrefix : undefined;
}
