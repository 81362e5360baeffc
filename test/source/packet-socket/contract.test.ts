import { open } from "../../../src/source/packet-socket/open.js";
import { type Delivery, sourceContract } from "../../contract/source.js";
import { describeLive, heldByCaptures } from "../libpcap/live.js";

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

describeLive("packet socket", (live) => {
  sourceContract("packet socket", {
    open: async (delivery) => {
      const { pair, sender } = live();
      const { resolution } = delivery.format;
      const options = { snapLength: CAPTURED, precision: resolution };
      const source = await open(pair.receiver.device, options, { onThisThread: true });
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
});
