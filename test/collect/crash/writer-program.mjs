// Run as a process of its own, in JavaScript and with the built package because that starts faster: writes 100 flows to an
// export file, with Hubble's rotation, for each byte of its standard input. Prints how many.
import { setTimeout as wait } from "node:timers/promises";
import { openExportFile } from "flowscribe/sink/export";
import { flow } from "flowscribe/testing";

const FLOWS_PER_BYTE = 100;

const [path = ""] = process.argv.slice(2);
let isStopped = false;
let due = 0;
process.stdin.on("data", (chunk) => {
  due += chunk.length * FLOWS_PER_BYTE;
});
process.stdin.on("end", () => {
  isStopped = true;
});

let count = 0;
const sink = await openExportFile(path, { maxFileBytes: 20_000, maxBackups: 0, compress: true });
while (!isStopped || due > 0) {
  for (let line = 0; line < 10 && due > 0; line++, due--) await sink.write(flow({ uuid: String(count++) }));
  await wait(5);
}
await sink[Symbol.asyncDispose]();
console.log(count);
