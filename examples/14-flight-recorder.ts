// The packets of a dropped flow, from before it was dropped: a flight recorder keeps the latest packets in memory, and
// Hubble's flow triggers a capture of its conversation. `npm run demo:flight` runs it, without a cluster and without
// privileges: packets come from a capture, and flows are made from them as an agent with another clock would report them.
//
//   npx tsx examples/14-flight-recorder.ts some-folder
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFlowComments, decodeExport, formatFlow } from "flowscribe/observer";
import { createFlowDecoder, fromBatches, type PacketBatch } from "flowscribe/packet";
import { type Flow, Verdict } from "flowscribe/proto";
import { createFlightRecorder } from "flowscribe/recorder";
import { namedFileSink } from "flowscribe/sink/file";
import { openCaptureFile } from "flowscribe/source/file";
import { flow as createFlow } from "flowscribe/testing";

const CAPTURE = "examples/captures/sample.pcapng";
/** The agent's clock is 300 ms ahead of that of the capture. */
const SKEW_MS = 300;

const [folder = mkdtempSync(join(tmpdir(), "flowscribe-flight-"))] = process.argv.slice(2);
const path = join(folder, "dropped-cart.pcapng");

/** What the agent reports: the first connection to port 8080 is dropped. */
function reportOf({ IP, l4, Summary, time }: Flow): Flow {
  if (time === undefined) throw new Error("a packet without a time");
  const nanos = time.nanos + SKEW_MS * 1_000_000;
  return createFlow({
    time: { seconds: time.seconds + BigInt(Math.floor(nanos / 1e9)), nanos: nanos % 1e9 },
    nodeName: "demo/node-1",
    verdict: Verdict.DROPPED,
    dropReasonDesc: 133,
    eventType: { type: 1, subType: 133 },
    ...(IP && { IP }),
    ...(l4 && { l4 }),
    source: { namespace: "shop", podName: "cart-7d9", identity: 1234, labels: ["k8s:app=cart"] },
    destination: { namespace: "shop", podName: "db-0", identity: 4321, labels: ["k8s:app=db"] },
    Summary,
  });
}

/** The events of the agent, which arrive after the packet. */
const reports: Flow[] = [];
let reported: (() => void) | undefined;
async function* events(): AsyncGenerator<Flow> {
  for (;;) {
    const next = reports.shift();
    if (next !== undefined) yield next;
    else {
      await new Promise<void>((resolve) => {
        reported = resolve;
      });
    }
  }
}

await using capture = await openCaptureFile(CAPTURE);
const decoder = createFlowDecoder();

/** The packets, batch by batch, and the report of the drop after the batch with its packet. */
async function* packets(): AsyncGenerator<PacketBatch> {
  let isDropped = false;
  for await (const batch of capture) {
    const dropped = isDropped ? undefined : [...decoder.decode(batch)].find(isConnection);
    yield batch;
    if (dropped === undefined) continue;
    isDropped = true;
    reports.push(reportOf(dropped));
    reported?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function isConnection({ l4 }: Flow): boolean {
  const protocol = l4?.protocol;
  return (
    protocol?.case === "TCP" && protocol.value.destinationPort === 8080 && protocol.value.flags?.SYN === true
  );
}

const comments = createFlowComments({ per: "packet", json: true });
async function* learned(): AsyncGenerator<Flow> {
  for await (const event of events()) {
    comments.learn(event);
    yield event;
  }
}

const recorder = createFlightRecorder(fromBatches(packets(), capture.interfaces), {
  events: learned(),
  trigger: { allow: [{ verdict: ["DROPPED"], sourcePod: ["shop/cart"] }] },
  beforeMs: 10_000,
  afterMs: 5000,
  skewMs: SKEW_MS,
  scope: "conversation",
  ringBytes: 8 * 1024 * 1024,
  sink: namedFileSink(path, { fileFormat: "pcapng", comments, overwrite: true }),
  onCapture: ({ packets: written, error }) => {
    if (error !== undefined) throw error;
    console.log(`Capture: ${written} packets of the conversation`);
  },
});
const { stats } = await recorder.stopped;
console.log(
  `Seen: ${stats.packetsSeen} packets, written: ${stats.packetsWritten}, lost: ${stats.packetsLost}`,
);

// Open the file and print its comments.
await using written = await openCaptureFile(path);
let lines = 0;
for await (const batch of written) {
  for (const [, [, json = ""] = []] of batch.comments ?? []) {
    for await (const event of decodeExport(json)) if (lines++ < 5) console.log(`  ${formatFlow(event)}`);
  }
}
console.log(`Comments: ${lines}`);
console.log(`Output: ${path}`);
