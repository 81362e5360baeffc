// The same service on a server of @grpc/grpc-js, for programs that have one already.
//
//   npx tsx examples/11-serve-over-grpc-js.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { createRecorderService } from "flowscribe/recorder";
import { grpcJsRecorder, openTransport, recordRemote } from "flowscribe/rpc";
import { fileSink } from "flowscribe/sink/file";
import { openCaptureFile } from "flowscribe/source/file";

const folder = await mkdtemp(join(tmpdir(), "flowscribe-grpc-js-"));
const service = createRecorderService({
  nodeName: "demo/node-2",
  openSource: () => openCaptureFile("examples/captures/sample.pcapng"),
  openSink: fileSink(folder, { nodeName: "demo/node-2" }),
});

const server = new Server({ "grpc.max_receive_message_length": service.limits.maxMessageBytes });
const { definition, implementation } = grpcJsRecorder(service);
server.addService(definition, implementation);
const port = await promisify(server.bindAsync.bind(server))(
  "127.0.0.1:0",
  ServerCredentials.createInsecure(),
);

const transport = openTransport(`127.0.0.1:${port}`);
const recording = recordRemote(transport, {
  include: [{ sourceCidr: "::/0", destinationCidr: "::/0" }],
  stopCondition: { packetsCapturedCount: 10n },
});
const { stats } = await recording.stopped;
console.log(`recorded ${stats.packetsCaptured} packets over IPv6`);

await service.shutdown();
transport.close();
await promisify(server.tryShutdown.bind(server))();
await rm(folder, { recursive: true });
