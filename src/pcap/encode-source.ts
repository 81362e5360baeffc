import { type PacketSource, reusedBatchesOf } from "../packet/source.js";
import { CaptureWriter } from "./capture-writer.js";
import type { CaptureEncoder } from "./encoder.js";

/** Encodes a whole source. Every chunk is a non-empty copy that the caller owns. */
export async function* encodeSource(
  source: PacketSource,
  encoder: CaptureEncoder,
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new CaptureWriter(encoder, source.interfaces);
  const header = writer.begin();
  if (header.length > 0) yield header.slice();
  for await (const batch of reusedBatchesOf(source).batches) {
    const chunk = writer.encode(batch);
    if (chunk.length > 0) yield chunk.slice();
  }
  const last = writer.end(source.stats());
  if (last.length > 0) yield last.slice();
}
