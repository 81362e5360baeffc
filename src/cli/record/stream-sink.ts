import type { Resolution } from "../../packet/batch.js";
import { createPcapEncoder } from "../../pcap/classic/encode.js";
import { type CaptureEncoder, interfaceOf, settledInterface } from "../../pcap/encoder.js";
import type { OpenSink } from "../../recorder/sink.js";
import type { OutputStream } from "../io/io.js";

/**
 * Creates a sink that writes to standard output. It waits while the output is full, and fails when the reader closes
 * it.
 */
export function streamSink(
  output: OutputStream,
  { fileFormat, resolution }: { readonly fileFormat: "pcap" | "pcapng"; readonly resolution: Resolution },
): OpenSink {
  return async ({ interfaces, snapLength }) => {
    const encoder = await createEncoder();
    let begun = false;

    async function createEncoder(): Promise<CaptureEncoder> {
      if (fileFormat === "pcap") return createPcapEncoder({ resolution, snapLength }, true);
      const { createPcapngEncoder } = await import("../../pcap/pcapng/encode.js");
      return createPcapngEncoder(interfaces, { snapLength });
    }

    /** Writes a copy, as chunks are only valid until the next one. */
    function send(chunk: Uint8Array): Promise<void> | undefined {
      return chunk.length === 0 ? undefined : output.write(chunk.slice());
    }

    const settled = settledInterface(interfaces);
    if (settled !== undefined) {
      await send(encoder.begin(settled));
      begun = true;
    }
    return {
      write: (batch) => {
        // Not awaited: the writes of the packets that follow wait for the same output and report its errors.
        if (!begun) void send(encoder.begin(interfaceOf(interfaces, batch.format)))?.catch(() => {});
        begun = true;
        return send(encoder.encode(batch));
      },
      close: async (stats) => {
        if (!begun) await send(encoder.begin(interfaceOf(interfaces, undefined)));
        await send(encoder.end(stats));
        await output.flush();
        return {};
      },
      abort: async () => {},
    };
  };
}
