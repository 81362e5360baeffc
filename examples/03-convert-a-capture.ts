// Formats convert by decoding one and encoding the other: here pcapng with two interfaces and nanoseconds to a pcap with
// microseconds, chunk by chunk. Both ends are plain async iterables of bytes: files, HTTP bodies, anything.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { decodeCapture, encodePcap } from "flowscribe/pcap";
import { openCaptureFile } from "flowscribe/source/file";

const folder = await mkdtemp(join(tmpdir(), "flowscribe-"));
const target = join(folder, "converted.pcap");

await using source = await decodeCapture(createReadStream("examples/captures/sample.pcapng"));
for (const { name, description } of source.interfaces)
  console.log(`interface ${name} ${description ?? ""}`.trim());

await pipeline(Readable.from(encodePcap(source, { resolution: "us" })), createWriteStream(target));

await using converted = await openCaptureFile(target);
let packets = 0;
for await (const batch of converted) packets += batch.length;
console.log(`${packets} packets in ${converted.fileFormat}, ${converted.interfaces[0]?.resolution}`);

await rm(folder, { recursive: true });
