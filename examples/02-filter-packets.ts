// A recorder filter is compiled once into a predicate over bytes: for a service's hot path, and for unit tests of filters.
import { compilePacketFilter, filterPackets, formatPacketFilter } from "flowscribe/packet";
import { openCaptureFile } from "flowscribe/source/file";

const webOverIpv6 = [
  { sourceCidr: "::/0", destinationCidr: "fd00:11::/64", destinationPort: 80, protocol: 6 },
  { sourceCidr: "fd00:11::/64", sourcePort: 80, destinationCidr: "::/0", protocol: 6 },
];
const wanted = compilePacketFilter(webOverIpv6);

// As a stage: a source in, a source out.
await using source = await openCaptureFile("examples/captures/sample.pcap");
const kept = filterPackets(source, wanted);
let packets = 0;
for await (const batch of kept) packets += batch.length;
console.log(`${packets} of ${source.stats().received} packets are web traffic over IPv6`);

// The same filter for tcpdump and for a kernel.
console.log(formatPacketFilter(webOverIpv6.slice(0, 1), { linkType: 101 }));
