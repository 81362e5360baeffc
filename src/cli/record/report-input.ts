import type { NotPreserved } from "../../pcap/decoder.js";
import type { InputReport } from "../input/report.js";
import type { Messages } from "../messages.js";
import type { CaptureInput } from "./inputs.js";
import type { RecordCommandOptions } from "./options.js";

/** Blocks and options of pcapng, as messages call them: one, and several. */
const NAMES: { readonly [K in keyof NotPreserved]: readonly [one: string, several: string] } = {
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
 * Reports what of an input is not in the output: packets that no filter can match, as their link type is not supported, and
 * of pcapng what is not copied, or what a pcap file has no place for.
 */
export function reportInput(
  { name, warnings, unsupportedLinkTypes, pcapngOnly }: CaptureInput,
  { output, include, flows }: Pick<RecordCommandOptions, "output" | "include" | "flows">,
  report: InputReport,
  messages: Messages,
): void {
  // Without filters all packets are recorded, and libpcap has its own words for an expression.
  if (include !== undefined || flows !== undefined) {
    for (const [linkType, packets] of unsupportedLinkTypes) {
      report.unsupportedLinkType(name, linkType, packets);
    }
  }
  if (warnings === undefined) return;
  const tell = (count: number, [one, several]: readonly [one: string, several: string], why = "") => {
    if (count === 0) return;
    const what = count === 1 ? `${one} is` : `${several} are`;
    messages.tell(`${name}: ${count} ${what} not copied${why}`);
  };
  // The keys are those of the table.
  for (const kind of Object.keys(NAMES) as (keyof NotPreserved)[])
    tell(warnings.notPreserved[kind], NAMES[kind]);
  if (output.fileFormat === "pcapng") return;
  const { comments, namedInterfaces } = pcapngOnly?.() ?? { comments: 0, namedInterfaces: 0 };
  const why = ", as pcap has no place for that: --format pcapng keeps it";
  tell(namedInterfaces, ["name of an interface", "names of interfaces"], why);
  tell(comments, ["comment", "comments"], why);
}
