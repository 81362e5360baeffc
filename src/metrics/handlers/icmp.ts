import { icmpv4Name, icmpv6Name } from "../../packet/flow/icmp-name.js";
import type { MetricType } from "./handler.js";

const OWN_LABELS = ["family", "type"];

/** `icmp`: ICMP messages by gopacket's name of their type and code. As Hubble, `family` is IPv4 also for ICMPv6. */
export const icmp: MetricType = {
  options: {},
  create({ labels, counter }) {
    const messages = counter("hubble_icmp_total", "Number of ICMP messages", OWN_LABELS, "last");
    const { values } = messages;
    const [nameOfV4, nameOfV6] = [remember(icmpv4Name), remember(icmpv6Name)];
    return {
      reads: ["l4.ICMPv4", "l4.ICMPv6", ...labels.reads],
      observe(flow) {
        const protocol = flow.l4?.protocol;
        if (protocol?.case !== "ICMPv4" && protocol?.case !== "ICMPv6") return;
        const { type, code } = protocol.value;
        values[0] = "IPv4";
        values[1] = protocol.case === "ICMPv4" ? nameOfV4(type, code) : nameOfV6(type, code);
        labels.write(flow, values, OWN_LABELS.length);
        messages.add(1);
      },
    };
  },
};

/** Remembers the names of the at most 65,536 combinations. Go converts type and code to uint8, which keeps the low byte. */
function remember(nameOf: (type: number, code: number) => string): (type: number, code: number) => string {
  const names = new Map<number, string>();
  return (type, code) => {
    const key = ((type & 0xff) << 8) | (code & 0xff);
    const known = names.get(key);
    if (known !== undefined) return known;
    const name = nameOf(type & 0xff, code & 0xff);
    names.set(key, name);
    return name;
  };
}
