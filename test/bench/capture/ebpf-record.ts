/**
 * Records a device with eBPF to a file, as a user of the package would: `ebpf-record.ts <device> <folder> [drain]`; with `drain`
 * the packets are only taken. Says READY when it has begun; SIGINT ends it, and what was captured and lost is printed.
 */
import { record } from "../../../src/recorder/index.js";
import { fileSink } from "../../../src/sink/file.js";
import { openEbpf } from "../../../src/source/ebpf/index.js";

const [device = "", folder = "", mode] = process.argv.slice(2);
const include = [
  { sourceCidr: "10.77.0.0/24", destinationCidr: "0.0.0.0/0", protocol: 17, destinationPort: 53 },
];
const source = await openEbpf(device, { include, direction: "ingress" });
if (mode === "drain") {
  process.once("SIGINT", () => source.stop());
  console.log("READY");
  for await (const _ of source.borrow());
  const { received, dropped } = source.stats();
  console.log(JSON.stringify({ captured: received, lost: dropped }));
} else {
  const recording = record(source, { include }, { sink: fileSink(folder) });
  process.once("SIGINT", () => recording.stop());
  console.log("READY");
  const { stats } = await recording.stopped;
  console.log(JSON.stringify({ captured: stats.packetsCaptured, lost: stats.packetsLostInKernel }));
}
await source[Symbol.asyncDispose]();
