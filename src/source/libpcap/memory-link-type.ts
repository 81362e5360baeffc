import { DLT_RAW, DLT_RAW_OPENBSD, LINKTYPE_RAW } from "../../packet/link-type.js";

// Link types whose number differs between memory (`DLT_`, pcap/dlt.h) and files (`LINKTYPE_`), as mapped in libpcap's
// pcap-common.c, limited to interfaces of supported systems. All other numbers are the same.

const ATM_RFC1483 = { memory: 11, file: 100 };
const ATM_CLIP = { memory: 19, file: 106 };
/** `LINKTYPE_SLIP_BSDOS` and `LINKTYPE_PPP_BSDOS`. */
const SLIP_BSDOS = 102;
const PPP_BSDOS = 103;

interface Numbers {
  readonly memory: number;
  readonly file: number;
}

/** The mapping depends on the system, as systems use the same numbers for different link types. */
function numbersOn(platform: string): readonly Numbers[] {
  const raw = platform === "openbsd" ? DLT_RAW_OPENBSD : DLT_RAW;
  const slip = platform === "freebsd" || platform === "netbsd" ? 13 : 15;
  return [
    ATM_RFC1483,
    { memory: raw, file: LINKTYPE_RAW },
    { memory: slip, file: SLIP_BSDOS },
    { memory: slip + 1, file: PPP_BSDOS },
    ATM_CLIP,
  ];
}

/** Conversion between the two numberings of a system. */
export interface LinkTypeNumbers {
  /** File link type for a link type that libpcap reports for a device. */
  toFile(memoryLinkType: number): number;
  /**
   * libpcap's link type for a file link type. Also accepts memory numbers that some programs write to files, if
   * packet/link-type.ts treats them as raw IP.
   */
  toMemory(fileLinkType: number): number;
}

export function linkTypeNumbers(platform: string): LinkTypeNumbers {
  const numbers = numbersOn(platform);
  const files = new Map(numbers.map(({ memory, file }) => [memory, file]));
  const memories = new Map(numbers.map(({ memory, file }) => [file, memory]));
  const raw = memories.get(LINKTYPE_RAW)!;
  memories.set(DLT_RAW, raw).set(DLT_RAW_OPENBSD, raw);
  return {
    toFile: (linkType) => files.get(linkType) ?? linkType,
    toMemory: (linkType) => memories.get(linkType) ?? linkType,
  };
}

const thisSystem = linkTypeNumbers(process.platform);

/** {@link LinkTypeNumbers.toFile} on this system. */
export const toFileLinkType: LinkTypeNumbers["toFile"] = thisSystem.toFile;
/** {@link LinkTypeNumbers.toMemory} on this system. */
export const toMemoryLinkType: LinkTypeNumbers["toMemory"] = thisSystem.toMemory;
