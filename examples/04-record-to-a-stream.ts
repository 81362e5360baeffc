// Without a sink a recording is read as bytes, at the reader's pace: here served over HTTP, to curl or straight into
// `wireshark -k -i -`. Leaving early stops the recording.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { decodeCapture } from "flowscribe/pcap";
import { record } from "flowscribe/recorder";
import { openCaptureFile } from "flowscribe/source/file";

const server = createServer(async (_request, response) => {
  await using source = await openCaptureFile("examples/captures/sample.pcap");
  const recording = record(source, {
    include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0", protocol: 1 }],
    maxCaptureLength: 128,
  });
  response.setHeader("content-type", "application/vnd.tcpdump.pcap");
  Readable.from(recording.bytes).pipe(response);
  const { reason, stats } = await recording.stopped;
  console.log(`recorded ${stats.packetsCaptured} ICMP packets until ${reason}`);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const { port } = server.address() as AddressInfo;
const response = await fetch(`http://127.0.0.1:${port}/`);
if (response.body === null) throw new Error("no body");
await using received = await decodeCapture(response.body);
let packets = 0;
for await (const batch of received) packets += batch.length;
console.log(`received ${packets} packets`);

server.close();
