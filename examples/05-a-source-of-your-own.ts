// Packets from anywhere can be recorded: frame them as batches and hand them out as a source. This one never ends by
// itself, as a tap or a tunnel would not: `stop` makes it hand out what has arrived, and end.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createBatch,
  fromBatches,
  LINKTYPE_RAW,
  type PacketFormat,
  type PacketInit,
} from "flowscribe/packet";
import { record } from "flowscribe/recorder";
import { fileSink } from "flowscribe/sink/file";

const format: PacketFormat = { linkType: LINKTYPE_RAW, resolution: "ns", snapLength: 65_535, interfaceId: 0 };

/** An IPv4 header and an empty UDP datagram from 16.0.0.1, port 53, to 16.0.0.2. */
const datagram = Uint8Array.from(
  "4500001c00004000401100001000000110000002 0035d43100080000".replace(" ", "").match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

/** Packets arrive here by themselves. */
const arrived: PacketInit[] = [];
let wake = () => {};
let ending = false;
const timer = setInterval(() => {
  arrived.push({ bytes: datagram, seconds: Math.floor(Date.now() / 1000) });
  wake();
}, 1);

async function* batches() {
  while (!ending || arrived.length > 0) {
    if (arrived.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    else yield createBatch(format, arrived.splice(0));
  }
}

const source = fromBatches(batches(), [{ ...format, name: "tunnel0" }], {
  stop: () => {
    clearInterval(timer);
    ending = true;
    wake();
  },
});

const folder = await mkdtemp(join(tmpdir(), "flowscribe-"));
const recording = record(
  source,
  { include: [{ sourceCidr: "16.0.0.0/8", destinationCidr: "0.0.0.0/0", protocol: 17 }] },
  { sink: fileSink(folder, { fileFormat: "pcapng" }) },
);
for await (const { packetsCaptured } of recording.updates) if (packetsCaptured >= 10) recording.stop();

const { reason, stats } = await recording.stopped;
console.log(
  `all of ${source.stats().received >= 10 ? "ten or more" : "too few"} packets recorded: ` +
    `${stats.packetsCaptured === source.stats().received}, stopped: ${reason}`,
);
await rm(folder, { recursive: true });
