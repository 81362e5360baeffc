import type { NotPreserved } from "../../../pcap/decoder.js";
import type { InputReport } from "../../input/report.js";
import type { Messages } from "../../io/messages.js";
import type { RecordCommandOptions } from "../options.js";
import type { CaptureInput } from "./inputs.js";

/** Singular and plural of what is counted. */
type Names = readonly [one: string, several: string];

/** Names of pcapng blocks and options in messages. */
const NAMES: { readonly [K in keyof NotPreserved]: Names } = {
  decryptionSecrets: ["decryption secrets block", "decryption secrets blocks"],
  nameResolution: ["name resolution block", "name resolution blocks"],
  customBlocks: ["custom block", "custom blocks"],
  otherBlocks: ["block of another type", "blocks of other types"],
  sectionOptions: [
    "option of a section header (comment, hardware, operating system)",
    "options of section headers (comment, hardware, operating system)",
  ],
  interfaceOptions: [
    "option of an interface (address, speed, time zone, …)",
    "options of interfaces (address, speed, time zone, …)",
  ],
  packetFlags: ["packet direction (epb_flags)", "packet directions (epb_flags)"],
  packetOptions: [
    "option of a packet (hash, packet ID, queue, verdict, …)",
    "options of packets (hash, packet ID, queue, verdict, …)",
  ],
  statisticsOptions: ["option of interface statistics", "options of interface statistics"],
};

/**
 * Reports the parts of an input that are missing from the output: packets of unsupported link types, which no filter
 * can match, and pcapng contents that are not copied or that pcap does not support.
 */
export function reportInput(
  { name, warnings, unsupportedLinkTypes, pcapngOnly }: CaptureInput,
  { output, include, flows }: Pick<RecordCommandOptions, "output" | "include" | "flows">,
  report: InputReport,
  messages: Messages,
): void {
  // Without filters all packets are recorded. For an expression, libpcap reports its own messages.
  if (include !== undefined || flows !== undefined) {
    for (const [linkType, packets] of unsupportedLinkTypes) {
      report.unsupportedLinkType(name, linkType, packets);
    }
  }
  if (warnings === undefined) return;
  const reportCount = (count: number, [one, several]: Names, why?: (several: string) => string) => {
    if (count === 0) return;
    const what = count === 1 ? `${one} is` : `${several} are`;
    messages.report(`${name}: ${count} ${what} not copied${why === undefined ? "" : `: ${why(several)}`}`);
  };
  // The cast is true: `Object.keys` returns the keys of the table.
  for (const kind of Object.keys(NAMES) as (keyof NotPreserved)[])
    reportCount(warnings.notPreserved[kind], NAMES[kind]);
  if (output.fileFormat === "pcapng") return;
  const { comments, namedInterfaces } = pcapngOnly?.() ?? { comments: 0, namedInterfaces: 0 };
  const why = (several: string) => `pcap files cannot store ${several}; set --format pcapng to keep them`;
  // True as above.
  for (const kind of Object.keys(NAMES) as (keyof NotPreserved)[])
    reportCount(warnings.pcapngOnly[kind], NAMES[kind], why);
  reportCount(namedInterfaces, ["interface name", "interface names"], why);
  reportCount(comments, ["comment", "comments"], why);
}
