import { type OptionTable, optionsOf } from "../../../errors/check-options.js";
import { aString } from "../../../errors/value-checks.js";
import { aNamesOption, type NamesOption } from "./names.js";
import { aSecretsOption, type SecretsOption } from "./secrets.js";

/** Who writes a file, and where its packets were captured. */
export interface CaptureDescription {
  /** The program that writes the file (`shb_userappl`). Default: `flowscribe`. */
  readonly application?: string;
  /** The hardware that the packets were captured on (`shb_hardware`); not used if the input names it. */
  readonly hardware?: string;
  /** The operating system of the capture (`shb_os`); not used if the input names it. */
  readonly operatingSystem?: string;
  /** Describes every interface that has no description (`if_description`), such as the name of the node. */
  readonly interfaces?: string;
}

/** What a pcapng file gets besides the packets and what was read with them. Nothing is added by default. */
export interface PcapngAdditions {
  /** Written before the first packet; later ones before later packets. Each file of a rotation has all of them. */
  readonly secrets?: SecretsOption;
  /**
   * Names of addresses. A lookup is called for the source and destination of the outermost IP header, once in each batch
   * until it returns names: these precede the packet. After 65,536 addresses one that was not used recently may be looked
   * up again. The bytes of these blocks are not known in advance, so that a file may exceed its size by them.
   */
  readonly names?: NamesOption;
  readonly description?: CaptureDescription;
}

export const PCAPNG_ADDITIONS: OptionTable<PcapngAdditions> = {
  secrets: aSecretsOption,
  names: aNamesOption,
  description: optionsOf<CaptureDescription>("description", {
    application: aString,
    hardware: aString,
    operatingSystem: aString,
    interfaces: aString,
  }),
};
