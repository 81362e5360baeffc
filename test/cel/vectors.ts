import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

interface Vector {
  readonly allow?: readonly VectorFilter[];
  readonly deny?: readonly VectorFilter[];
  readonly error?: string;
}

interface VectorFilter {
  readonly experimental?: { readonly cel_expression?: readonly string[] };
}

const PREFIX = "error compiling CEL expression: ";

/** Every expression that was recorded with Hubble, with its message if it did not compile. */
export function celExpressions(): Map<string, string | undefined> {
  const file = join(import.meta.dirname, "../vectors/flow-filters.jsonl.gz");
  const expressions = new Map<string, string | undefined>();
  for (const line of gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n")) {
    const { allow, deny, error }: Vector = JSON.parse(line);
    const faults = error?.startsWith(PREFIX) ? error.slice(PREFIX.length) : undefined;
    for (const { experimental } of [...(allow ?? []), ...(deny ?? [])]) {
      for (const expression of experimental?.cel_expression ?? []) {
        // The text quotes the invalid expression; a filter may have others.
        const isAtFault = faults?.includes(`\n | ${expression}\n`);
        expressions.set(expression, isAtFault ? faults : expressions.get(expression));
      }
    }
  }
  return expressions;
}
