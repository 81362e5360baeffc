/** The formats of written captures. */
export const CAPTURE_FORMATS = ["pcap", "pcapng"] as const;

export type CaptureFormat = (typeof CAPTURE_FORMATS)[number];

/** The format of the written captures. */
export const FORMAT_FLAG = {
  name: "format",
  value: "enum",
  choices: CAPTURE_FORMATS,
  placeholder: "FORMAT",
} as const;

/** The units of times in written captures. */
export const PRECISION_FLAG = {
  name: "precision",
  value: "enum",
  choices: ["us", "ns"],
  placeholder: "UNIT",
} as const;
