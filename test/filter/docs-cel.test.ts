import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Overload, standardFunctions } from "../../src/cel/check/standard.js";
import { formatType } from "../../src/cel/check/type.js";
import { repository } from "../support/run.js";

const page = readFileSync(join(repository, "docs/cel.md"), "utf8");
const [, section = ""] = page.split(/^## Functions$/m);
const [table = ""] = section.split(/^## /m);
const rows = [...table.matchAll(/^\| (`.+?`) +\| (`[^`]+`(?:, `[^`]+`)*) +\|[^|]*\|$/gm)].map(
  ([, forms = "", results = ""]) => ({ forms: spansOf(forms), results: spansOf(results) }),
);

function spansOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text.replaceAll("\\|", "|"));
}

/** An overload as it is called: `int + int`, `size(string)`, `string.contains(string)`. */
function formatOverload(name: string, { isMember, parameters }: Overload): string {
  const types = parameters.map(formatType);
  const [first = "", second, third] = types;
  if (name === "_?_:_") return `${first} ? ${second} : ${third}`;
  if (name === "_[_]") return `${first}[${second}]`;
  if (name === "@in") return `${first} in ${second}`;
  if (/\w/.test(name.replaceAll("_", "")))
    return isMember ? `${first}.${name}(${types.slice(1).join(", ")})` : `${name}(${types.join(", ")})`;
  const sign = name.replaceAll("_", "");
  return second === undefined ? `${sign}${first}` : `${first} ${sign} ${second}`;
}

describe("docs/cel.md: the table of functions", () => {
  test("lists each form of each function of the standard library once, in order", () => {
    const expected = [...standardFunctions()].flatMap(([name, overloads]) =>
      overloads.map((overload) => formatOverload(name, overload)),
    );
    expect(rows.flatMap(({ forms }) => forms)).toEqual(expected);
  });

  test("lists the result types of the forms of each row", () => {
    const resultOf = new Map(
      [...standardFunctions()].flatMap(([name, overloads]) =>
        overloads.map((overload) => [formatOverload(name, overload), formatType(overload.result)]),
      ),
    );
    for (const { forms, results } of rows) {
      expect(results).toEqual([...new Set(forms.map((form) => resultOf.get(form)))]);
    }
  });
});
