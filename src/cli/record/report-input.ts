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
  sectionOptions: ["section option", "section options"],
  interfaceOptions: ["interface option", "interface options"],
  packetFlags: ["packet direction (epb_flags)", "packet directions (epb_flags)"],
  packetOptions: ["other packet option", "other packet options"],
  statisticsOptions: ["option of interface statistics", "options of interface statistics"],
};

/**
 * Reports what of an input is not in the output: packets that no filter can match, as their link type is not supported, and in
 * pcapng what is not copied. (A pcap file has no place for any of that, as docs/recording.md says.)
 */
export function reportInput(
  { name, warnings, unsupportedLinkTypes }: CaptureInput,
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
  if (output.fileFormat !== "pcapng" || warnings === undefined) return;
  // The keys are those of the table.
  for (const kind of Object.keys(NAMES) as (keyof NotPreserved)[]) {
    const count = warnings.notPreserved[kind];
    const [one, several] = NAMES[kind];
    if (count > 0) messages.tell(`${name}: not copied: ${count} ${count === 1 ? one : several}`);
  }
}
