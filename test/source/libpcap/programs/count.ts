/**
 * Reads everything from an interface until stopped by SIGINT: `count.ts <device>`. Prints READY, then at the end how many
 * packets there were, and the memory that the process had every 250,000 packets.
 */
import { openLibpcap } from "../../../../src/source/libpcap/index.js";

const EVERY = 250_000;

const [device = ""] = process.argv.slice(2);
const source = await openLibpcap(device, { bufferBytes: 64 * 1024 * 1024 });
process.once("SIGINT", () => source.stop());
console.log("READY");
const memory: number[] = [];
let read = 0;
for await (const { length } of source.reusedBatches()) {
  const before = Math.floor(read / EVERY);
  read += length;
  if (Math.floor(read / EVERY) > before) memory.push(process.memoryUsage.rss());
}
console.log(JSON.stringify({ ...source.stats(), memory }));
await source[Symbol.asyncDispose]();
