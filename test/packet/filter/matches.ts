import { compilePacketFilter, type PacketFilterInit } from "../../../src/packet/index.js";

export const ETHERNET = 1;
export const RAW = 101;

export const ANY_V4 = { sourceCidr: "0.0.0.0/0", destinationCidr: "0.0.0.0/0" };
export const ANY_V6 = { sourceCidr: "::/0", destinationCidr: "::/0" };

/** Whether a list of filters matches a packet. */
export function matches(
  include: readonly PacketFilterInit[],
  packet: Uint8Array,
  linkType: number = RAW,
): boolean {
  return compilePacketFilter(include)(packet, 0, packet.length, linkType);
}
