import { RE2JS } from "re2js";
import type { RegexBudget } from "./budget.js";

type TextTest = (text: string) => boolean;

/**
 * Compiles an unanchored search with re2js. Its automaton is built lazily during searches, within its share of the
 * budget. When the share is used up, re2js rebuilds the automaton, and if that happens too often continues without one.
 */
export function compileAutomaton(pattern: string, budget: RegexBudget): TextTest {
  const compiled = RE2JS.compile(pattern);
  budget.addAutomaton();
  let limited = false;
  return (text) => {
    if (!limited) {
      limited = true;
      limitMemory(compiled, budget.automatonBytes());
    }
    return compiled.test(text);
  };
}

/** re2js only supports a memory limit for its sets, and these cannot stop at the first match. */
function limitMemory(compiled: RE2JS, bytes: number): void {
  const re2 = compiled.re2();
  // These do not use an automaton; accessing `dfa` would create one.
  if (re2.onepass !== null || re2.prefixComplete) return;
  re2.dfa.stateBudget = bytes;
  re2.dfa.memBudget = bytes;
}
