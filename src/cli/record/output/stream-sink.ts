import { loadCaptureWriter, type RecordingFormat } from "../../../pcap/load-writer.js";
import type { OpenSink } from "../../../recorder/sink.js";
import type { OutputStream } from "../../io/io.js";

/**
 * Creates a sink that writes to standard output. It waits while the output is full, and fails when the reader closes
 * it.
 */
export function streamSink(
  output: OutputStream,
  format: Pick<RecordingFormat, "fileFormat" | "resolution" | "additions">,
): OpenSink {
  return async ({ interfaces, snapLength }) => {
    const createWriter = await loadCaptureWriter({ ...format, snapLength, interfaces });
    const writer = createWriter();

    /** Writes a copy, as chunks are only valid until the next one. */
    function send(chunk: Uint8Array): Promise<void> | undefined {
      return chunk.length === 0 ? undefined : output.write(chunk.slice());
    }

    await send(writer.begin());
    return {
      write: (batch) => send(writer.encode(batch)),
      close: async (stats) => {
        await send(writer.end(stats));
        await output.flush();
        return {};
      },
      abort: async () => {},
    };
  };
}
