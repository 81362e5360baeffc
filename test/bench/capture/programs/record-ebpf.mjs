/**
 * Records with eBPF what an interface receives, as a user of the package would: `record-ebpf.mjs <device> <path>`. Says READY when
 * the recording has begun; SIGINT ends it, and what was captured and lost is printed.
 */
import { record } from "flowscribe/recorder";
import { namedFileSink } from "flowscribe/sink/file";
import { openEbpf } from "flowscribe/source/ebpf";

const [device, path] = process.argv.slice(2);
const include = [
  { sourceCidr: "10.77.0.0/24", destinationCidr: "0.0.0.0/0", protocol: 17, destinationPort: 53 },
];
const source = await openEbpf(device, { include, direction: "ingress" });
const recording = record(source, { include }, { sink: namedFileSink(path, { overwrite: true }) });
process.once("SIGINT", () => recording.stop());
console.log("READY");
const { stats } = await recording.stopped;
console.log(JSON.stringify({ captured: stats.packetsCaptured, lost: stats.packetsLostInKernel }));
await source[Symbol.asyncDispose]();
