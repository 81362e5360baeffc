import type { LayerName } from "./flow-layers.js";

/**
 * Why a packet gives no flow in strict mode. A value, not something thrown: malformed packets are data, and the next
 * packet is decoded all the same.
 */
export class PacketError {
  /** Hubble's own text, which is gopacket's. */
  readonly message: string;
  /** The layer that does not decode. */
  readonly layer: LayerName;
  /** Index of the packet in its batch. */
  readonly index: number;
  /** Bytes from the start of the packet to that layer. */
  readonly offset: number;

  constructor(message: string, layer: LayerName, index: number, offset: number) {
    this.message = message;
    this.layer = layer;
    this.index = index;
    this.offset = offset;
  }

  /** `packet 3, IPv4 at byte 14: Invalid ip4 header. Length 19 less than 20` */
  toString(): string {
    return `packet ${this.index}, ${this.layer} at byte ${this.offset}: ${this.message}`;
  }
}
