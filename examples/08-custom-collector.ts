// A collector of one's own: a stream of flows, compressed as it comes, is filtered, cut down to some fields and exported to
// a file that rotates. Run it with a file of `hubble observe -o jsonpb`, or without arguments on flows that it makes itself.
import { createReadStream } from "node:fs";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { decodeExport, encodeExportLine } from "flowscribe/observer";
import { FlowSchema, GetFlowsResponseSchema, Verdict } from "flowscribe/proto";
import { openExportFile } from "flowscribe/sink/export";

const [input, output = await mkdtemp(join(tmpdir(), "collector-"))] = process.argv.slice(2);

/** A minute of a shop: every fifth request is dropped, and one line is damaged. */
function* shop() {
  for (let index = 0; index < 6000; index++) {
    const time = timestampFromMs(Date.UTC(2026, 10, 22) + index * 10);
    const flow = create(FlowSchema, {
      time,
      nodeName: "kind/worker-1",
      verdict: index % 5 === 0 ? Verdict.DROPPED : Verdict.FORWARDED,
      source: { namespace: "shop", podName: `cart-${index % 3}`, labels: ["k8s:app=cart"] },
      destination: { namespace: index % 2 === 0 ? "shop" : "kube-system", podName: "web-0" },
      l4: { protocol: { case: "TCP", value: { sourcePort: 40_000 + index, destinationPort: 80 } } },
    });
    const responseTypes = { case: "flow", value: flow } as const;
    const event = create(GetFlowsResponseSchema, { responseTypes, nodeName: flow.nodeName, time });
    yield `${index === 3000 ? '{"flow":{"time":' : encodeExportLine(event)}\n`;
  }
}

const lines = input === undefined ? Readable.from(shop()).pipe(createGzip()) : createReadStream(input);

await using sink = await openExportFile(join(output, "dropped.log"), {
  allow: [{ verdict: [Verdict.DROPPED] }],
  deny: [{ destinationPod: ["kube-system/"] }],
  fieldMask: ["time", "verdict", "source.namespace", "source.pod_name", "destination", "l4", "node_name"],
  maxFileBytes: 64 * 1024,
  maxBackups: 2,
  compress: true,
});

const onBadLine = ({ message }: Error) => console.log(`left out: ${message.slice(0, 50)}…`);
for await (const event of decodeExport(lines, { onBadLine })) {
  // A promise where the output is behind; a file never is.
  const waiting = sink.write(event);
  if (waiting !== undefined) await waiting;
}
await sink.close();

const { offered, written, filtered, rotations } = sink.stats;
console.log(`${offered} events, ${written} exported, ${filtered} filtered out, ${rotations} rotations`);
for (const name of await readdir(output)) console.log(`  ${name}`);
