import { open, type TestOptions } from "../../../src/source/libpcap/open.js";
import { type Delivery, sourceContract } from "../../contract/source.js";
import { describeLive, heldByCaptures, type Live } from "./live.js";

/** The length of the suite's packets in bytes. */
const CAPTURED = 60;

/** The bytes of a packet, padded to its length on the wire: the snap length cuts them off again. */
function framesOf({ batches }: Delivery): Uint8Array[] {
  return batches.flat().map(({ bytes, originalLength = bytes.length }) => {
    const frame = new Uint8Array(originalLength);
    frame.set(bytes);
    return frame;
  });
}

function contractFor(name: string, live: () => Live, options: TestOptions): void {
  sourceContract(name, {
    open: async (delivery) => {
      const { pair, sender } = live();
      const source = await open(
        pair.receiver.device,
        { snapLength: CAPTURED, precision: delivery.format.resolution },
        { onThisThread: true, ...options },
      );
      sender.send(framesOf(delivery));
      return source;
    },
    endings: ["wait"],
    formats: [
      { linkType: 1, resolution: "ns", snapLength: CAPTURED, interfaceId: 0 },
      { linkType: 1, resolution: "us", snapLength: CAPTURED, interfaceId: 0 },
    ],
    keepsTimes: false,
    reusesBatches: true,
    // The sender has a packet socket too, in its own namespace.
    held: () => (heldByCaptures() === "0 sockets, 0 files" ? "" : heldByCaptures()),
  });
}

describeLive("libpcap", (live) => {
  contractFor("libpcap", live, {});
  contractFor("libpcap, packet by packet", live, { packetByPacket: true, isPolling: true });
});
