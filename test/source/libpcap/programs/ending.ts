/** Ends with a capture open, in the way that the second argument names: `ending.ts <device> <way>`. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openLibpcap } from "../../../../src/source/libpcap/index.js";

const [device = "", way = ""] = isMainThread ? process.argv.slice(2) : workerData;

if (isMainThread && way.startsWith("worker")) {
  // Node 20 does not know how to load TypeScript into a worker, whatever the main thread has been told.
  const here = JSON.stringify(import.meta.url);
  const load = `import("tsx/esm/api").then(({ tsImport }) => tsImport(${here}, ${here}))`;
  const worker = new Worker(load, { eval: true, workerData: [device, way] });
  worker.on("message", async () => {
    if (way === "worker terminated") await worker.terminate();
    console.log("ended well");
  });
} else {
  const source = await openLibpcap(device);
  const iterator = source[Symbol.asyncIterator]();
  const pending = iterator.next();
  pending.catch(() => {});
  // Long enough for the wait to have begun.
  await new Promise((resolve) => setTimeout(resolve, 50));
  switch (way) {
    case "exit":
      console.log("ended well");
      process.exit(0);
      break;
    case "exit while closing":
      console.log("ended well");
      void source[Symbol.asyncDispose]();
      process.exit(0);
      break;
    case "exit while opening":
      console.log("ended well");
      void openLibpcap(device);
      setImmediate(() => process.exit(0));
      break;
    case "aborted while opening": {
      await source[Symbol.asyncDispose]();
      const controller = new AbortController();
      const opening = openLibpcap(device, { signal: controller.signal });
      setImmediate(() => controller.abort());
      await opening.catch(({ name }) => console.log(name === "AbortError" ? "ended well" : name));
      break;
    }
    case "by itself":
      await source[Symbol.asyncDispose]();
      console.log("ended well");
      break;
    case "stopped":
      source.stop();
      await pending;
      await source[Symbol.asyncDispose]();
      console.log("ended well");
      break;
    case "worker exits":
      parentPort?.postMessage("waiting");
      process.exit(0);
      break;
    default:
      parentPort?.postMessage("waiting");
  }
}
