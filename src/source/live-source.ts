import { copyBatch } from "../packet/batch.js";
import { type CaptureInterface, createSource, type PacketSource, type Pull } from "../packet/source.js";

/** A source of packets that arrive by themselves: it can be stopped, and lends its batches. */
export type LiveSource = PacketSource & Required<Pick<PacketSource, "stop" | "borrow">>;

/** Batches handed out before the event loop gets a turn, as for files: a few milliseconds of work. */
export const BATCHES_PER_TURN = 16;

/** A device that is captured from, as {@link createSource} asks for its parts. */
export interface LiveCapture {
  pull(): ReturnType<Pull>;
  dropped(): number;
  stop(): void;
  leave(): void;
  close(): void | Promise<void>;
}

/** Makes a source of a capture, which the source now owns. */
export function createLiveSource(
  capture: LiveCapture,
  description: CaptureInterface,
  filtered: boolean,
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
  });
  // `createSource` has `borrow` where there is a `copy`.
  return source as LiveSource;
}
