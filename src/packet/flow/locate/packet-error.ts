import type { LayerName } from "./flow-layers.js";

/**
 * Why strict mode rejects a packet. It is returned, not thrown: malformed packets are data, and decoding continues with
 * the next packet.
 */
export class PacketError {
  /**
   * Hubble's error message, which is gopacket's. For a link type other than Ethernet, which Hubble does not handle, it
   * is flowscribe's own.
   */
  readonly message: string;
  /** The layer that cannot be decoded. */
  readonly layer: LayerName;
  /** Index of the packet in its batch. */
  readonly index: number;
  /** Offset in bytes of that layer in the packet. */
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
