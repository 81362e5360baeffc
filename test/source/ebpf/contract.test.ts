import { readdirSync, readlinkSync } from "node:fs";
import { openEbpf } from "../../../src/source/ebpf/index.js";
import { type Delivery, sourceContract } from "../../contract/source.js";
import { describeLive } from "../libpcap/live.js";
import { describeWithEbpf } from "./kernel-needed.js";

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

/** Descriptors of maps, programs and links. */
function held(): string {
  const links = readdirSync("/proc/self/fd").map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.startsWith("anon_inode:bpf")).join();
}

describeWithEbpf("eBPF", () => {
  describeLive("between namespaces", (live) => {
    sourceContract("eBPF", {
      open: async (delivery) => {
        const { pair, sender } = live();
        const source = await openEbpf(pair.receiver.device, { snapLength: CAPTURED });
        sender.send(framesOf(delivery));
        return source;
      },
      endings: ["wait"],
      formats: [{ linkType: 1, resolution: "ns", snapLength: CAPTURED, interfaceId: 0 }],
      keepsTimes: false,
      reusesBatches: true,
      held,
    });
  });
});
