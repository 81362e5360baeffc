// Packets from anywhere can be recorded: frame them as batches and hand them out as a source.
import { createBatch, fromBatches, type PacketFormat } from "flowscribe/packet";
import { encodePcapng } from "flowscribe/pcap";

const format: PacketFormat = { linkType: 101, resolution: "ns", snapLength: 65_535, interfaceId: 0 };

/** An IPv4 header and an empty UDP datagram: what a tunnel or a simulator of yours would hand over. */
const datagram = Uint8Array.from(
  "4500001c000040004011000010000001100000020035d4310008" // addresses 16.0.0.1 and 16.0.0.2, from port 53
    .concat("0000")
    .match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
);

async function* batches() {
  for (let second = 0; second < 3; second++) {
    yield createBatch(format, [
      { bytes: datagram, seconds: 1_700_000_000 + second, nanoseconds: 5, comments: [`second ${second}`] },
    ]);
  }
}

const source = fromBatches(batches(), [{ ...format, name: "tunnel0", description: "made up" }]);
let bytes = 0;
for await (const chunk of encodePcapng(source)) bytes += chunk.length;
console.log(`${source.stats().received} packets as ${bytes} bytes of pcapng`);
