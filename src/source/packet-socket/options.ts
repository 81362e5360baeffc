import type { OptionTable } from "../../errors/check-options.js";
import { anInteger } from "../../errors/value-checks.js";
import { LIBPCAP_OPTIONS, type LibpcapOptions } from "../libpcap/plan.js";

/** Options of `openPacketSocket`: those of `openLibpcap`, and the size of the memory for kept packets. */
export interface PacketSocketOptions extends LibpcapOptions {
  /**
   * Size of the kernel's buffer in bytes, 64 KiB to 1 GiB. It holds packets while the program is busy; packets that do not fit are
   * dropped and counted in `stats().dropped`. Rounded up to blocks of 512 KiB, of which there are at least four. Default
   * `DEFAULT_BUFFER_BYTES`, 16 MiB.
   */
  readonly bufferBytes?: number;
  /**
   * How many bytes of packets a reader may keep in the kernel's buffer, in addition to `bufferBytes`, 0 (default) to 3 GiB:
   * the largest `ringBytes` of a flight recorder that does not copy packets. Rounded up to blocks of 512 KiB.
   */
  readonly keepBytes?: number;
}

/** The maximum of {@link PacketSocketOptions.keepBytes}: 3 GiB. */
export const MAX_KEEP_BYTES: number = 3 * 1024 * 1024 * 1024;

export const PACKET_SOCKET_OPTIONS: OptionTable<PacketSocketOptions> = {
  ...LIBPCAP_OPTIONS,
  keepBytes: anInteger(0, MAX_KEEP_BYTES),
};
