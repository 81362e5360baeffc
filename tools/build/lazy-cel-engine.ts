// Replaces src/filter/cel-engine.ts where filters import it in the program, so that only commands with a CEL expression
// load it: they import it dynamically first, which loads `load-cel-engine.ts`.
import type * as CelEngine from "../../src/filter/cel-engine.js";

let engine: typeof CelEngine | undefined;

export function provideEngine(loaded: typeof CelEngine): void {
  engine = loaded;
}

export const createFlowEngine: typeof CelEngine.createFlowEngine = (options) => ({
  compile(expression) {
    if (engine === undefined) throw new Error("the CEL engine is not loaded");
    return engine.createFlowEngine(options).compile(expression);
  },
});
