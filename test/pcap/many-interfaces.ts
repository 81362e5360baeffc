import { ethernet, IPV4, ipv4 } from "../packet/build.js";
import { udp } from "../packet/flow/frames.js";
import { blockWriter, join } from "./blocks.js";

/** An Ethernet frame with a UDP datagram to port 53. */
const FRAME = ethernet(IPV4, ipv4({ protocol: 17 }, udp()));

/**
 * A pcapng capture as `cat` makes it of many short ones: every section has one interface and three packets, whose times
 * rise. All interfaces have the same description.
 */
export function captureOfSections(sections: number): Uint8Array {
  const writer = blockWriter();
  const head = join(writer.section(), writer.interface({ snapLength: 262_144 }));
  const packet = writer.enhanced({ data: FRAME });
  const parts: Uint8Array[] = [];
  for (let section = 0; section < sections; section++) {
    parts.push(head);
    for (let index = 0; index < 3; index++) parts.push(atTime(packet, 1000 * section + index));
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** A copy of an enhanced packet block with another time, in microseconds. */
function atTime(block: Uint8Array, microseconds: number): Uint8Array {
  const copy = block.slice();
  new DataView(copy.buffer).setUint32(16, microseconds, true);
  return copy;
}
