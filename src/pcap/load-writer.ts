import type { Resolution } from "../packet/record-header.js";
import type { CaptureInterface } from "../packet/source.js";
import { CaptureWriter } from "./capture-writer.js";
import { createPcapEncoder } from "./classic/encode.js";
import type { PcapngAdditions } from "./pcapng/add/additions.js";

/** The files of a new recording. */
export interface RecordingFormat {
  readonly fileFormat: "pcap" | "pcapng";
  /** Unit of the times in a pcap file; a pcapng file keeps the unit of each interface. */
  readonly resolution: Resolution;
  readonly snapLength: number;
  /** The interfaces of the source; the list may grow. */
  readonly interfaces: readonly CaptureInterface[];
  /** What pcapng files get besides packets. */
  readonly additions?: PcapngAdditions;
}

/**
 * Loads the encoder of a format. Returns a function that creates the writer of each file of a recording: later files can
 * then be opened synchronously.
 */
export async function loadCaptureWriter(format: RecordingFormat): Promise<() => CaptureWriter> {
  const { interfaces, snapLength, additions } = format;
  if (format.fileFormat === "pcap") return () => createRecordingWriter(format);
  const { createPcapngEncoder } = await import("./pcapng/encode.js");
  return () => new CaptureWriter(createPcapngEncoder(interfaces, { ...additions, snapLength }), interfaces);
}

/** Creates the writer of a new pcap file: version 2.4 and time zone 0, also if the packets come from an older file. */
export function createRecordingWriter({
  resolution,
  snapLength,
  interfaces,
}: Omit<RecordingFormat, "fileFormat">): CaptureWriter {
  return new CaptureWriter(createPcapEncoder({ resolution, snapLength }, true), interfaces);
}
