// Without a sink a recording is read as bytes, at the reader's pace: here served over HTTP, to curl or straight into
// `wireshark -k -i -`. A client that leaves stops the recording; a source that fails ends the response.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { decodeCapture } from "flowscribe/pcap";
import { record } from "flowscribe/recorder";
import { openCaptureFile } from "flowscribe/source/file";

async function serveRecording(response: ServerResponse): Promise<void> {
  await using source = await openCaptureFile("examples/captures/sample.pcap");
  const recording = record(source, {
    include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0", protocol: 1 }],
    maxCaptureLength: 128,
  });
  response.setHeader("content-type", "application/vnd.tcpdump.pcap");
  // Destroys the response if the recording fails, and leaves the recording if the client does.
  await pipeline(Readable.from(recording.bytes), response);
  const { reason, stats } = await recording.stopped;
  console.log(`recorded ${stats.packetsCaptured} ICMP packets until ${reason}`);
}

const server = createServer((_request, response) => {
  serveRecording(response).catch((error) => console.error(`recording failed: ${error.message}`));
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
