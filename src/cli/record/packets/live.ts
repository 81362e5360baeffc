import { deriveSource } from "../../../packet/derive-source.js";
import type { AddressSet } from "../../../packet/filter/address-set.js";
import type { PacketSource } from "../../../packet/source.js";
import { UnsupportedLinkTypes } from "../../../packet/unsupported-link-types.js";
import { DEFAULT_RING_BYTES } from "../../../recorder/flight/option-values.js";
import type { RecordCommandOptions } from "../options.js";
import type { CaptureInput } from "./inputs.js";
import { openDevice } from "./open-device.js";

/** Open packets, and which filters have already been applied to them. */
export interface OpenedPackets {
  readonly source: PacketSource;
  readonly inputs: readonly CaptureInput[];
  readonly selectsInclude: boolean;
  readonly selectsExpression: boolean;
  /** Whether all filters have been applied, by a source that can keep packets for a flight recorder. */
  readonly isKept: boolean;
}

/**
 * Opens the device of a command line and applies as many of its filters as possible in the kernel.
 *
 * @throws As {@link openDevice} does.
 */
export async function openLive(
  options: RecordCommandOptions & { readonly device: string },
  signal: AbortSignal,
  addresses?: AddressSet,
): Promise<OpenedPackets> {
  const { device, source, direction, promiscuous, bufferBytes, output } = options;
  const { include, expression, flows, limits, flight } = options;
  // Guessing replies requires all packets.
  const selectsInKernel = flows?.guessReplies !== true;
  const selectsExpression = selectsInKernel && expression !== undefined && source === "libpcap";
  // Filters in this process need whole packets.
  const looksHere = flows !== undefined || (expression !== undefined && !selectsExpression);
  const keepBytes = flight?.ringBytes ?? DEFAULT_RING_BYTES;
  const keeps = flight !== undefined && !looksHere && source === "libpcap";
  const opened = await openDevice(
    {
      device,
      source,
      direction,
      promiscuous,
      bufferBytes,
      precision: output.precision ?? (output.fileFormat === "pcap" ? "us" : "ns"),
    },
    {
      ...(include !== undefined && selectsInKernel && { include }),
      ...(flows?.selection !== undefined && selectsInKernel && { flows: flows.selection }),
      ...(selectsExpression && { expression }),
      ...(addresses !== undefined && { addresses }),
      maxCaptureLength: looksHere ? 0 : (limits.maxCaptureLength ?? 0),
      ...(keeps && { keepBytes }),
    },
    signal,
  );
  const selectsInclude = include !== undefined && selectsInKernel;
  const selects = { selectsInclude, selectsExpression };
  if (opened.keepPackets !== undefined) {
    // Of Ethernet, which every stage supports.
    const input = { name: device, unsupportedLinkTypes: new Map<number, number>() };
    return { source: opened, inputs: [input], ...selects, isKept: true };
  }
  const linkTypes = new UnsupportedLinkTypes();
  const counted = deriveSource(opened, {
    stage: (batch) => {
      linkTypes.add(batch.format.linkType, batch.length);
      return batch;
    },
  });
  const inputs = [{ name: device, unsupportedLinkTypes: linkTypes.counts }];
  return { source: counted, inputs, ...selects, isKept: false };
}
