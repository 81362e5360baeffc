import { alternate, type Figures } from "../../test/bench/measure.js";
import type { Answer, Case, Contest, Engine, TextTest } from "./engine.js";

const ROUNDS = 5;
const ROUND_MS = 50;
/** Patterns that an engine must bear. */
export const ENDURANCE = 10_000;

export interface Miss {
  readonly pattern: string;
  readonly text: string;
  readonly go: Answer;
  readonly answer: Answer | "died";
}

export interface Result {
  readonly engine: string;
  readonly misses: readonly Miss[];
  /** Per case that is timed; undefined when there is none. */
  readonly nanoseconds: Figures | undefined;
  /** Patterns compiled until it died, at most {@link ENDURANCE}; undefined when not asked for. */
  readonly patterns: number | undefined;
}

/** Asks every engine every case; then times them in turn; and last sees how many patterns they bear. */
export function compare(contest: Contest): Result[] {
  const { engines, patternOf } = contest;
  const asked = engines.map((engine) => ask(engine, contest));
  const works = Object.fromEntries(
    engines.flatMap(({ name }, index) => {
      const { tests } = asked[index]!;
      return tests.length === 0 ? [] : [[name, () => timeTests(tests)]];
    }),
  );
  const figures: Partial<Record<string, Figures>> = alternate(ROUNDS, works);
  return engines.map((engine, index) => ({
    engine: engine.name,
    misses: asked[index]!.misses,
    nanoseconds: figures[engine.name],
    patterns: patternOf === undefined ? undefined : countPatterns(engine, patternOf),
  }));
}

interface Asked {
  readonly misses: Miss[];
  /** What is timed: of the cases whose patterns Go and the engine take. */
  readonly tests: { readonly test: TextTest; readonly text: string }[];
}

function ask(engine: Engine, { cases, canary, isTimed = () => true }: Contest): Asked {
  const misses: Miss[] = [];
  const tests: Asked["tests"] = [];
  for (const [pattern, text, go] of cases) {
    let answer: Answer | "died" = "error";
    try {
      const test = engine.compile(pattern);
      answer = test(text);
      if (go !== "error" && isTimed(text)) tests.push({ test, text });
    } catch {
      if (!isAlive(engine, canary)) answer = "died";
    }
    if (answer !== go) misses.push({ pattern, text, go, answer });
  }
  return { misses, tests };
}

/** An engine that threw may have refused a pattern, or be beyond recovery. */
function isAlive(engine: Engine, [pattern, text, go]: Case): boolean {
  try {
    return engine.compile(pattern)(text) === go;
  } catch {
    return false;
  }
}

/** Nanoseconds per case. */
function timeTests(tests: Asked["tests"]): number {
  let matched = 0;
  let passes = 0;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < ROUND_MS) {
    for (const { test, text } of tests) if (test(text)) matched++;
    passes++;
    elapsed = performance.now() - start;
  }
  if (matched < 0) throw new Error("unreachable: it only keeps the work from being optimised away");
  return (1e6 * elapsed) / (passes * tests.length);
}

/** Only the latest pattern is kept, as in a server whose clients come and go. */
function countPatterns(engine: Engine, patternOf: (index: number) => string): number {
  for (let index = 0; index < ENDURANCE; index++) {
    try {
      engine.compile(patternOf(index))("/api/v0/users/42");
    } catch {
      return index;
    }
  }
  return ENDURANCE;
}
