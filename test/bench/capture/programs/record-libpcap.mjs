/**
 * Records what an interface receives, as a user of the package would: `record-libpcap.mjs <device> <path>`. Says READY when
 * the recording has begun; SIGINT ends it, and what was captured and lost is printed.
 */
import { record } from "flowscribe/recorder";
import { namedFileSink } from "flowscribe/sink/file";
import { openLibpcap } from "flowscribe/source/libpcap";

const [device, path] = process.argv.slice(2);
const source = await openLibpcap(device, { precision: "us" });
const start = { include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" }] };
const recording = record(source, start, { sink: namedFileSink(path, { overwrite: true }) });
process.once("SIGINT", () => recording.stop());
console.log("READY");
const { stats } = await recording.stopped;
console.log(JSON.stringify({ captured: stats.packetsCaptured, lost: stats.packetsLostInKernel }));
await source[Symbol.asyncDispose]();
