// A Recorder that `hubble record` can talk to: gRPC, gRPC-web and the Connect protocol over HTTP/2, on a unix socket (or
// `host:port`, with TLS), with limits, an authorisation hook, health, reflection and metrics. Then a client records.
//
//   npx tsx examples/10-serve-over-connect.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRecorderService } from "flowscribe/recorder";
import { folderBytes, formatMetrics, openRecorderServer, openTransport, recordRemote } from "flowscribe/rpc";
import { fileSink } from "flowscribe/sink/file";
import { openCaptureFile } from "flowscribe/source/file";

const home = await mkdtemp(join(tmpdir(), "flowscribe-serve-"));
const folder = join(home, "pcaps");

const service = createRecorderService({
  nodeName: "demo/node-1",
  // One source per recording; a live one in earnest, here a capture.
  openSource: () => openCaptureFile("examples/captures/sample.pcap"),
  openSink: fileSink(folder, { nodeName: "demo/node-1" }),
  storedBytes: () => folderBytes(folder),
  limits: { maxRecordings: 8, maxFilters: 16, maxStoredBytes: 100_000_000 },
  // Over TLS with client certificates, `peer.identities` are the names in them.
  authorize: ({ start }) => start.filesink?.filePrefix !== "forbidden",
});
const server = await openRecorderServer(`unix://${join(home, "hubble.sock")}`, service);

const transport = openTransport(server.address);
const recording = recordRemote(transport, {
  include: [{ sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0", protocol: 1 }],
  maxCaptureLength: 128,
});
const { nodeName, filePath, stats } = await recording.stopped;
console.log(`${nodeName} recorded ${stats.packetsCaptured} packets (${stats.bytesCaptured} bytes)`);
console.log(`into ${filePath.replace(home, "")}`);

const refused = recordRemote(transport, { filesink: { filePrefix: "forbidden" } });
await refused.stopped.catch((error) => console.log(`refused: ${error.status}: ${error.message}`));

console.log(
  formatMetrics(service.counters)
    .split("\n")
    .filter((line) => line.includes("calls_total{"))
    .join("\n"),
);

// In earnest: process.once("SIGTERM", () => server.close());
transport.close();
await server.close();
await rm(home, { recursive: true });
