import { RE2JS } from "re2js";
import type { RegexBudget } from "./budget.js";

type TextTest = (text: string) => boolean;

/**
 * An unanchored search on re2js. Its automaton is built as texts ask for it, within the budget's share; beyond, re2js
 * builds it anew, and if that happens too often goes on without one.
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

/** re2js lets only its sets be limited, and these cannot stop at the first match. */
function limitMemory(compiled: RE2JS, bytes: number): void {
  const re2 = compiled.re2();
  // These need no automaton, which would be made by being looked at.
  if (re2.onepass !== null || re2.prefixComplete) return;
  re2.dfa.stateBudget = bytes;
  re2.dfa.memBudget = bytes;
}
