// Runs the programs of $PROGRAMS, paths in JSON, in this process one after the other and writes what each printed to
// $OUTCOMES. Later output of a program is still attributed to it.
import { AsyncLocalStorage } from "node:async_hooks";
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const running = new AsyncLocalStorage();
const outcomes = JSON.parse(process.env.PROGRAMS).map((path) => ({ path, printed: "", error: "not run" }));

console.log = (...values) => {
  running.getStore().printed += `${format(...values)}\n`;
};
process.on("exit", () => writeFileSync(process.env.OUTCOMES, JSON.stringify(outcomes)));

for (const outcome of outcomes) {
  outcome.error = "not finished";
  try {
    await running.run(outcome, () => import(pathToFileURL(outcome.path).href));
    delete outcome.error;
  } catch (error) {
    outcome.error = format(error);
  }
}
