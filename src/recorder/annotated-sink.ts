import type { PacketBatch } from "../packet/batch.js";
import type { OpenSink } from "./sink.js";

/** Adds comments to packets, such as what `createFlowComments` of `flowscribe/observer` returns. */
export interface PacketAnnotator {
  /** Returns the batch with further comments; does not change it. */
  annotate(batch: PacketBatch): PacketBatch;
  /** Called when a sink opens, before its first packet. */
  restart?(): void;
}

/** Opens a sink that receives the packets with comments; the same sink without an annotator. */
export function annotatedSink(open: OpenSink, annotator: PacketAnnotator | undefined): OpenSink {
  if (annotator === undefined) return open;
  return async (request) => {
    const sink = await open(request);
    annotator.restart?.();
    return {
      // A rotation changes the path. The cast is true for readers, to whom an absent path is undefined.
      get filePath() {
        return sink.filePath as string;
      },
      write: (batch) => sink.write(annotator.annotate(batch)),
      close: (stats) => sink.close(stats),
      abort: () => sink.abort(),
    };
  };
}
