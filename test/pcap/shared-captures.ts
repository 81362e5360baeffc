import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sharedPath } from "../support/shared.js";

/** A row of `golden/counts.tsv`. */
export interface SharedCapture {
  readonly file: string;
  /** How many, or `refused`. */
  readonly packets: string;
}

export function sharedCaptures(): readonly SharedCapture[] {
  const [, ...rows] = readFileSync(sharedPath("golden", "counts.tsv"), "utf8").trim().split("\n");
  return rows.map((row) => {
    const [file = "", packets = ""] = row.split("\t");
    return { file, packets };
  });
}

export function sharedCapture(file: string): Uint8Array {
  return new Uint8Array(readFileSync(sharedPath("captures", file)));
}

export function samplePath(name: "sample.pcap" | "sample.pcapng"): string {
  return resolve(import.meta.dirname, "../../examples/captures", name);
}

export function sample(name: "sample.pcap" | "sample.pcapng"): Uint8Array {
  return new Uint8Array(readFileSync(samplePath(name)));
}
