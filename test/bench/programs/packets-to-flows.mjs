// The measured program: prints the columns of every packet of a capture, by way of flows; plain node on the built package.
// usage: node packets-to-flows.mjs CAPTURE OUTPUT
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { createFlowDecoder } from "../../../dist/packet/index.js";
import { openCaptureFile } from "../../../dist/source/file.js";

const CHUNK_CHARACTERS = 256 * 1024;
const FLAG_BITS = [
  ["FIN", 0x001],
  ["SYN", 0x002],
  ["RST", 0x004],
  ["PSH", 0x008],
  ["ACK", 0x010],
  ["URG", 0x020],
  ["ECE", 0x040],
  ["CWR", 0x080],
  ["NS", 0x100],
];

const [capture, output] = process.argv.slice(2);
const descriptor = openSync(output, "w");
const source = await openCaptureFile(capture);
const decoder = createFlowDecoder();
let text = "";
for await (const batch of source.reusedBatches()) {
  for (const flow of decoder.decode(batch)) {
    text += line(flow);
    if (text.length > CHUNK_CHARACTERS) {
      writeSync(descriptor, text);
      text = "";
    }
  }
}
writeSync(descriptor, text);
closeSync(descriptor);
await source[Symbol.asyncDispose]();
const peakKilobytes = Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
console.log(JSON.stringify({ packets: decoder.stats.packets, peakKilobytes }));

/** What `tshark -T fields` prints for COLUMNS of the benchmark. */
function line({ time, ethernet, IP, l4 }) {
  const tcp = l4?.protocol.case === "TCP" ? l4.protocol.value : undefined;
  const udp = l4?.protocol.case === "UDP" ? l4.protocol.value : undefined;
  return (
    `${time.seconds}.${String(time.nanos).padStart(9, "0")}\t${ethernet?.source ?? ""}\t${ethernet?.destination ?? ""}\t` +
    `${IP?.source ?? ""}\t${IP?.destination ?? ""}\t${tcp?.sourcePort ?? ""}\t${tcp?.destinationPort ?? ""}\t` +
    `${tcp?.flags === undefined ? "" : hexFlags(tcp.flags)}\t${udp?.sourcePort ?? ""}\t${udp?.destinationPort ?? ""}\n`
  );
}

function hexFlags(flags) {
  let bits = 0;
  for (const [name, bit] of FLAG_BITS) if (flags[name]) bits |= bit;
  return `0x${bits.toString(16).padStart(4, "0")}`;
}
