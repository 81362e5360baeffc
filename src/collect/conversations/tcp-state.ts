import type { TCPFlags } from "../../gen/flow/flow_pb.js";

/** The name of a flag of a TCP header. */
export type TcpFlagName = "FIN" | "SYN" | "RST" | "PSH" | "ACK" | "URG" | "ECE" | "CWR" | "NS";

/** In the order of their bits. */
const FLAGS: readonly TcpFlagName[] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"];

const FIN = 1 << FLAGS.indexOf("FIN");
const RST = 1 << FLAGS.indexOf("RST");

/** The flags of a segment as bits. */
export function bitsOf(flags: TCPFlags): number {
  let bits = 0;
  for (let index = 0; index < FLAGS.length; index++) if (flags[FLAGS[index]!]) bits |= 1 << index;
  return bits;
}

/** The names of the flags that are set. */
export function namesOf(bits: number): TcpFlagName[] {
  return FLAGS.filter((_, index) => (bits & (1 << index)) !== 0);
}

/** The state of a connection after segments with these flags from either side. */
export function stateOf(bits: number, others: number): "open" | "finished" | "reset" {
  if (((bits | others) & RST) !== 0) return "reset";
  return (bits & others & FIN) === 0 ? "open" : "finished";
}
