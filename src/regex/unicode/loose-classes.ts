import { assignedRanges, type UnicodeClassNames, unassignedRanges, unicodeClass } from "./classes.js";
import { mergeRanges, type Ranges } from "./ranges.js";
import { CATEGORY_NAMES, SCRIPT_NAMES } from "./table.js";

/**
 * The long names of categories in lower case, each after the short one: Go's `unicode.CategoryAliases`, which are those
 * of https://www.unicode.org/Public/15.0.0/ucd/PropertyValueAliases.txt.
 */
const LONG_NAMES =
  "C other,Cc control cntrl,Cf format,Cn unassigned,Co privateuse,Cs surrogate,L letter,LC casedletter," +
  "Ll lowercaseletter,Lm modifierletter,Lo otherletter,Lt titlecaseletter,Lu uppercaseletter," +
  "M mark combiningmark,Mc spacingmark,Me enclosingmark,Mn nonspacingmark,N number,Nd decimalnumber digit," +
  "Nl letternumber,No othernumber,P punctuation punct,Pc connectorpunctuation,Pd dashpunctuation," +
  "Pe closepunctuation,Pf finalpunctuation,Pi initialpunctuation,Po otherpunctuation,Ps openpunctuation," +
  "S symbol,Sc currencysymbol,Sk modifiersymbol,Sm mathsymbol,So othersymbol,Z separator,Zl lineseparator," +
  "Zp paragraphseparator,Zs spaceseparator";

/** The classes that Go 1.23 does not have, or has with other code points. */
const NEW_CLASSES: Readonly<Record<string, () => Ranges>> = {
  ASCII: () => [0, 0x7f],
  Assigned: assignedRanges,
  C: () => mergeRanges([...unicodeClass("C")!, ...unassignedRanges()]),
  Cn: unassignedRanges,
  LC: () => mergeRanges(["Ll", "Lt", "Lu"].flatMap((name) => unicodeClass(name)!)),
};

/** The names of classes by their spellings, as {@link looseName} returns them. */
let names: ReadonlyMap<string, string> | undefined;
const known = new Map<string, Ranges>();

/**
 * The names that `\p{…}` supports in Go 1.26: those of {@link unicodeClass}, the long names of categories, `ASCII`,
 * `Assigned`, `Cn` and `LC`. Case, underscores, hyphens and spaces do not count. `C` includes unassigned code points.
 */
export const looseUnicodeClass: UnicodeClassNames = (text) => {
  names ??= namesBySpelling();
  const name = names.get(looseName(text));
  if (name === undefined) return undefined;
  const compute = Object.hasOwn(NEW_CLASSES, name) ? NEW_CLASSES[name] : undefined;
  if (compute === undefined) return unicodeClass(name);
  let ranges = known.get(name);
  if (ranges === undefined) {
    ranges = compute();
    known.set(name, ranges);
  }
  return ranges;
};

/** Whether `(?i)` extends the class. Go's `unicode.FoldCategory` has no entry for `LC`. */
export function isFoldable(ranges: Ranges): boolean {
  return ranges !== known.get("LC");
}

function namesBySpelling(): ReadonlyMap<string, string> {
  const shortNames = ["Any", ...SCRIPT_NAMES.split(" ").slice(1), ...CATEGORY_NAMES.split(" ")];
  return new Map([
    ...[...shortNames, ...Object.keys(NEW_CLASSES)].map((name) => [looseName(name), name] as const),
    ...LONG_NAMES.split(",").flatMap((row) => {
      const [short, ...long] = row.split(" ");
      return [short!.toLowerCase(), ...long].map((spelling) => [spelling, short!] as const);
    }),
  ]);
}

/** Only ASCII letters have a case here: `\p{\u212aawi}` is not `\p{Kawi}`. */
function looseName(text: string): string {
  return text.replace(/[-_ ]/g, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
