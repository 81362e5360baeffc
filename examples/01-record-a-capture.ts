// The main job, whole: read a capture, keep what recorder filters select, stop on a stop condition, write a pcap under
// the Recorder's file name, and say what happened. `npm run demo` runs it; give it a capture and a folder of your own:
//
//   npx tsx examples/01-record-a-capture.ts some.pcapng recordings
import { stat } from "node:fs/promises";
import { formatPacket, packetsOf } from "flowscribe/packet";
import { type RecordingStats, record } from "flowscribe/recorder";
import { fileSink } from "flowscribe/sink/file";
import { openCaptureFile } from "flowscribe/source/file";

const [input = "examples/captures/sample.pcap", folder = "recordings"] = process.argv.slice(2);
const LINES = 10;

await using source = await openCaptureFile(input);
console.log(`Reading ${input} (${source.fileFormat}, ${(await stat(input)).size} bytes)`);

const recording = record(
  source,
  {
    filesink: { filePrefix: "demo" },
    // Web traffic of any IPv4 client, DNS of any IPv6 one, and SCTP: filters are unidirectional, the list is OR.
    include: [
      { sourceCidr: "0.0.0.0/0", destinationCidr: "10.11.0.0/24", destinationPort: 80, protocol: 6 },
      { sourceCidr: "10.11.0.0/24", sourcePort: 80, destinationCidr: "0.0.0.0/0", protocol: 6 },
      { sourceCidr: "::/0", destinationCidr: "fd00:11::/64", destinationPort: 53, protocol: 17 },
      { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0", protocol: 132 },
    ],
    maxCaptureLength: 256,
    stopCondition: { packetsCapturedCount: 100n, timeElapsed: { seconds: 60n } },
  },
  { sink: fileSink(folder, { nodeName: "demo/node-1" }) },
);

process.once("SIGINT", () => recording.stop());

// Progress, on a terminal: the counts as they come, in one line.
if (process.stderr.isTTY) {
  for await (const stats of recording.updates)
    process.stderr.write(`\r\x1b[2KStatus: ${counts(stats)} written`);
  process.stderr.write("\n");
}

const { reason, stats, filePath } = await recording.stopped.catch((error) => {
  console.error(`Failed after ${counts(recording.stats)}: ${error.message}`);
  if (recording.filePath !== undefined) console.error(`Kept: ${recording.filePath}`);
  process.exit(1);
});
console.log(`Stopped: ${reason}`);
console.log(`Result: ${counts(stats)} written, ${stats.packetsLostInQueue + stats.packetsLostInKernel} lost`);
console.log(`Output: ${filePath}`);

if (filePath !== undefined) {
  await using recorded = await openCaptureFile(filePath);
  let lines = 0;
  for await (const batch of recorded) {
    for (const packet of packetsOf(batch)) {
      if (lines++ < LINES) console.log(`  ${formatPacket(packet, batch.format.linkType)}`);
    }
  }
  if (lines > LINES) console.log(`  … and ${lines - LINES} more`);
}

function counts({ packetsCaptured, bytesCaptured }: RecordingStats): string {
  return `${packetsCaptured} packets (${bytesCaptured} bytes)`;
}
