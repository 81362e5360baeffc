import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const PACKAGE = "regenerate-unicode-properties";

/** Properties of Unicode 15.0.0 as published in `regenerate-unicode-properties`. */
export const UNICODE_VERSION: string = require(`${PACKAGE}/unicode-version.js`);

/** The code points beyond the last one. */
export const CODE_POINTS = 0x11_0000;

/** General categories by the short names of https://www.unicode.org/reports/tr44/#General_Category_Values. */
export const CATEGORIES: Readonly<Record<string, string>> = {
  Cn: "Unassigned",
  Cc: "Control",
  Cf: "Format",
  Co: "Private_Use",
  Cs: "Surrogate",
  Ll: "Lowercase_Letter",
  Lm: "Modifier_Letter",
  Lo: "Other_Letter",
  Lt: "Titlecase_Letter",
  Lu: "Uppercase_Letter",
  Mc: "Spacing_Mark",
  Me: "Enclosing_Mark",
  Mn: "Nonspacing_Mark",
  Nd: "Decimal_Number",
  Nl: "Letter_Number",
  No: "Other_Number",
  Pc: "Connector_Punctuation",
  Pd: "Dash_Punctuation",
  Pe: "Close_Punctuation",
  Pf: "Final_Punctuation",
  Pi: "Initial_Punctuation",
  Po: "Other_Punctuation",
  Ps: "Open_Punctuation",
  Sc: "Currency_Symbol",
  Sk: "Modifier_Symbol",
  Sm: "Math_Symbol",
  So: "Other_Symbol",
  Zl: "Line_Separator",
  Zp: "Paragraph_Separator",
  Zs: "Space_Separator",
};

/** The code points of a general category, by its long name. */
export function codePointsOfCategory(longName: string): number[] {
  return codePointsOf("General_Category", longName);
}

/** The code points of a script. */
export function codePointsOfScript(name: string): number[] {
  return codePointsOf("Script", name);
}

/** The scripts that have code points. */
export function scriptNames(): string[] {
  // The package's index maps each property to the names of its values.
  const index = require(`${PACKAGE}/index.js`) as ReadonlyMap<string, readonly string[]>;
  return index.get("Script")!.filter((name) => codePointsOfScript(name).length > 0);
}

function codePointsOf(property: string, value: string): number[] {
  // Each file exports a set of `regenerate`.
  const { characters } = require(`${PACKAGE}/${property}/${value}.js`) as {
    characters: { toArray(): number[] };
  };
  return characters.toArray();
}
