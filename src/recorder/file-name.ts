import { checkArgument } from "../errors/check-argument.js";
import { optionsOf } from "../errors/check-options.js";
import { aNumber, aString, oneOf, required } from "../errors/value-checks.js";

/** The values that make up the name of a recording's file. */
export interface FileNameParts {
  readonly prefix: string;
  /** Creation time of the file in milliseconds since 1970. */
  readonly nowMs: number;
  /** An unsigned 32-bit integer. */
  readonly random: number;
  /** `<cluster>/<node>`, or `<node>` for the default cluster. */
  readonly nodeName: string;
  readonly extension: "pcap" | "pcapng";
}

const aFileName = optionsOf<FileNameParts>("parts", {
  prefix: required(aString),
  nowMs: required(aNumber),
  random: required(aNumber),
  nodeName: required(aString),
  extension: required(oneOf("pcap", "pcapng")),
});

/**
 * Returns `<prefix>_<unix seconds>_<random>_<node>.<extension>`, the name that Cilium's Recorder uses
 * (pkg/hubble/recorder/pcap.go). Every character outside `[a-zA-Z0-9_.-]` is replaced by `_`.
 *
 * @throws TypeError for invalid `parts`.
 */
export function recordingFileName(parts: FileNameParts): string {
  checkArgument("recordingFileName", "parts", parts, aFileName);
  const { prefix, nowMs, random, nodeName, extension } = parts;
  const name = `${prefix}_${Math.floor(nowMs / 1000)}_${random}_${nodeName}.${extension}`;
  return name.replace(/[^a-zA-Z0-9_.-]/gu, "_");
}
