import type { Resolution } from "../../packet/batch.js";
import { type CaptureEncoder, interfaceOf, settledInterface } from "../../pcap/encoder.js";
import { createPcapEncoder } from "../../pcap/pcap-encode.js";
import type { OpenSink } from "../../recorder/sink.js";
import type { OutputStream } from "../io.js";

/** A recording to standard output. It waits while the output does, and is told when nobody reads any more. */
export function streamSink(
  output: OutputStream,
  { fileFormat, resolution }: { readonly fileFormat: "pcap" | "pcapng"; readonly resolution: Resolution },
): OpenSink {
  return async ({ interfaces, snapLength }) => {
    const encoder = await createEncoder();
    let begun = false;

    async function createEncoder(): Promise<CaptureEncoder> {
      if (fileFormat === "pcap") return createPcapEncoder({ resolution, snapLength }, true);
      const { createPcapngEncoder } = await import("../../pcap/pcapng-encode.js");
      return createPcapngEncoder(interfaces, { snapLength });
    }

    /** A copy, as chunks are valid only until the next one. */
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
        // What waits for this waits for the packets, too: they go the same way.
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
