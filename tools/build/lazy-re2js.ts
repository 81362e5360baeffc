// Replaces re2js in the program, which loads it when the first regular expression is compiled: most commands have none.
// The library cannot do so, because browsers only load modules asynchronously.
import { createRequire } from "node:module";
import type { RE2JS as Engine } from "re2js";

type Compile = Pick<typeof Engine, "compile">;

let loaded: Compile | undefined;

export const RE2JS: Compile = {
  compile(pattern, flags) {
    loaded ??= createRequire(import.meta.url)("re2js").RE2JS as Compile;
    return loaded.compile(pattern, flags);
  },
};
