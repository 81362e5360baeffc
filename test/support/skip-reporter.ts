import type { Reporter, TestModule, Vitest } from "vitest/node";

/**
 * Prints why suites were skipped, once per reason and at the end of the run. Runs beside the default reporter, whose own
 * lines only count skipped tests.
 */
export default class SkipReporter implements Reporter {
  #log: (message: string) => void = console.log;

  onInit(vitest: Vitest): void {
    this.#log = (message) => vitest.logger.log(message);
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = formatSkips(modules.flatMap((module) => [...skipReasons(module)]));
    if (lines.length > 0) this.#log(lines.join("\n"));
  }
}

/** One line per reason, with the number of suites that it keeps from running; most frequent first. */
export function formatSkips(reasons: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  if (counts.size === 0) return [];
  const rows = [...counts].sort((a, b) => b[1] - a[1]);
  return ["", "Skipped:", ...rows.map(([reason, count]) => `${String(count).padStart(5)} × ${reason}`)];
}

function* skipReasons(module: TestModule): Generator<string> {
  for (const test of module.children.allTests("skipped")) {
    const result = test.result();
    // Tests that `-t` excludes have no note.
    if (result.state === "skipped" && result.note !== undefined) yield result.note;
  }
}
