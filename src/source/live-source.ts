import { copyBatch } from "../packet/batch.js";
import type { KeptPackets } from "../packet/kept-packets.js";
import type { Pull } from "../packet/source/batch-reader.js";
import { createSource } from "../packet/source/create-source.js";
import type { CaptureInterface, PacketSource } from "../packet/source.js";

/** A source of live packets: it can be stopped and supports `reusedBatches`. */
export type LiveSource = PacketSource & Required<Pick<PacketSource, "stop" | "reusedBatches">>;

/** Number of batches before yielding to the event loop, as for files: a few milliseconds of work. */
export const BATCHES_PER_TURN = 16;

/** An open device capture, in the form that {@link createSource} requires. */
export interface LiveCapture {
  pull(): ReturnType<Pull>;
  dropped(): number;
  stop(): void;
  leave(): void;
  close(): void | Promise<void>;
}

/** Creates a source from a capture. The source owns the capture. */
export function createLiveSource(
  capture: LiveCapture,
  description: CaptureInterface,
  filtered: boolean,
  keepPackets?: (bytes: number) => Omit<KeptPackets, "leave"> | undefined,
): LiveSource {
  const source = createSource({
    interfaces: [description],
    filtered,
    pull: () => capture.pull(),
    copy: copyBatch,
    dropped: () => capture.dropped(),
    stop: () => capture.stop(),
    leave: () => capture.leave(),
    close: () => capture.close(),
    keepPackets,
  });
  // The cast is true: `createSource` provides `reusedBatches` if there is a `copy`.
  return source as LiveSource;
}
