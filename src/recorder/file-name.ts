import { checkArgument } from "../errors/check-argument.js";
import { optionsOf } from "../errors/check-options.js";
import { aNumber, aString, oneOf, required } from "../errors/value-checks.js";

/** What a recording's file is named after. */
export interface FileNameParts {
  readonly prefix: string;
  /** Wall clock at the file's creation. */
  readonly nowMs: number;
  /** 32 bits. */
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
 * `<prefix>_<unix seconds>_<random>_<node>.pcap`, every character outside `[a-zA-Z0-9_.-]` replaced by `_`: the name
 * that Cilium's Recorder gives (pkg/hubble/recorder/pcap.go).
 */
export function recordingFileName(parts: FileNameParts): string {
  checkArgument("recordingFileName", "parts", parts, aFileName);
  const { prefix, nowMs, random, nodeName, extension } = parts;
  const name = `${prefix}_${Math.floor(nowMs / 1000)}_${random}_${nodeName}.${extension}`;
  return name.replace(/[^a-zA-Z0-9_.-]/gu, "_");
}
