/**
 * Compiles the pcap-filter expressions on standard input (a JSON list), on the main thread and then in a worker, whose stack is
 * smaller. Prints the result of each once: `compiled` or the error.
 */
import { text } from "node:stream/consumers";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { compileExpression } from "../../../../src/source/libpcap/index.js";

async function compileAll(expressions: readonly string[]): Promise<string[]> {
  const outcomes: string[] = [];
  for (const expression of expressions) {
    outcomes.push(
      await compileExpression(expression).then(
        () => "compiled",
        ({ code, message }) => `${code}: ${message}`,
      ),
    );
  }
  return outcomes;
}

if (isMainThread) {
  const expressions = JSON.parse(await text(process.stdin));
  const outcomes = JSON.stringify(await compileAll(expressions));
  // Node 20 cannot load TypeScript into a worker, regardless of the options of the main thread.
  const here = JSON.stringify(import.meta.url);
  const load = `import("tsx/esm/api").then(({ tsImport }) => tsImport(${here}, ${here}))`;
  const worker = new Worker(load, { eval: true, workerData: expressions });
  worker.on("message", (again) =>
    console.log(again === outcomes ? outcomes : `${outcomes} differs from ${again}`),
  );
} else {
  parentPort?.postMessage(JSON.stringify(await compileAll(workerData)));
}
