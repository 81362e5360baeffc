/** Ends with a capture in the state that the third argument names: `ending.ts libpcap|ebpf <device> <way>`. */
import { createSocket } from "node:dgram";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import type { PacketSource } from "../../../../src/packet/index.js";
import { openEbpf } from "../../../../src/source/ebpf/index.js";
import { openLibpcap } from "../../../../src/source/libpcap/index.js";

const [kind = "", device = "", way = ""] = isMainThread ? process.argv.slice(2) : workerData;

const openCapture = (options: { signal?: AbortSignal } = {}): Promise<PacketSource & { stop(): void }> =>
  kind === "ebpf" ? openEbpf(device, options) : openLibpcap(device, options);

if (isMainThread && way.startsWith("worker")) {
  // Node 20 cannot load TypeScript into a worker, regardless of the options of the main thread.
  const here = JSON.stringify(import.meta.url);
  const load = `import("tsx/esm/api").then(({ tsImport }) => tsImport(${here}, ${here}))`;
  const worker = new Worker(load, { eval: true, workerData: [kind, device, way] });
  worker.on("message", async () => {
    if (way === "worker terminated") await worker.terminate();
    console.log("ended well");
  });
} else {
  const source = await openCapture();
  const iterator = source.reusedBatches!()[Symbol.asyncIterator]();
  if (way.endsWith("read and disposed") || way.endsWith("read and left open")) {
    await readOne(iterator);
    if (way.endsWith("disposed")) await source[Symbol.asyncDispose]();
    parentPort?.postMessage("read");
    if (isMainThread) console.log("ended well");
  } else await endWaiting(source, iterator);
}

/** Sends datagrams to this host until one has been captured. */
async function readOne(iterator: AsyncIterator<unknown>): Promise<void> {
  const socket = createSocket("udp4");
  const sending = setInterval(() => socket.send("hello", 9, "127.0.0.1"), 10);
  await iterator.next();
  clearInterval(sending);
  socket.close();
}

async function endWaiting(
  source: PacketSource & { stop(): void },
  iterator: AsyncIterator<unknown>,
): Promise<void> {
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
      void openCapture();
      setImmediate(() => process.exit(0));
      break;
    case "aborted while opening": {
      await source[Symbol.asyncDispose]();
      const controller = new AbortController();
      const opening = openCapture({ signal: controller.signal });
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
