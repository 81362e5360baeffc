// The measured program: reads a capture, filters it, writes a pcap; plain node on the built package.
// usage: node record-file.mjs CAPTURE FOLDER ['[filters as JSON]']
import { readFileSync } from "node:fs";
import { record } from "../../../dist/recorder/index.js";
import { fileSink } from "../../../dist/sink/file.js";
import { openCaptureFile } from "../../../dist/source/file.js";

const [capture, folder, filters] = process.argv.slice(2);
const source = await openCaptureFile(capture);
const { stats, filePath } = await record(source, { include: JSON.parse(filters) }, { sink: fileSink(folder) })
  .stopped;
await source[Symbol.asyncDispose]();
const peakKilobytes = Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
console.log(JSON.stringify({ packets: stats.packetsCaptured, filePath, peakKilobytes }));
