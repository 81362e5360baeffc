/** The equivalent of a tcpdump flag in `record`. */
export type Meaning =
  /** The behaviour of `record` without any flag. */
  | { readonly kind: "implied" }
  /** Equivalent to a flag of `record`. */
  | { readonly kind: "flag"; toFlag(): string }
  | { readonly kind: "value"; readonly value: ValueForm; toFlag(value: string): string }
  /** No equivalent; the text names an alternative. */
  | { readonly kind: "unsupported"; readonly instead: string };

/** The values that a flag accepts. */
export interface ValueForm {
  readonly pattern: RegExp;
  readonly expected: string;
}

export const DIGITS = /^[0-9]+$/;
export const BYTES: ValueForm = { pattern: DIGITS, expected: "a number of bytes" };

export const IMPLIED: Meaning = { kind: "implied" };

export const PRINTING = unsupported(
  "it changes how tcpdump prints packets, and record does not print packets; remove it, or print flows with -w - | flowscribe observe",
);

/** The flags of tcpdump 4.99 (man tcpdump) that `record` does not have in the same form. */
export const SHORT: Readonly<Record<string, Meaning>> = {
  "#": PRINTING,
  A: unsupported(
    "tcpdump prints the contents of packets with it, and record does not print packets; remove it, or write --all-namespaces to set the flag of observe",
  ),
  B: {
    kind: "value",
    value: { pattern: DIGITS, expected: "a number of KiB" },
    toFlag: (kibibytes) => `--buffer-size=${kibibytes}KiB`,
  },
  C: {
    kind: "value",
    value: { pattern: /^[0-9]+[kKmMgG]?$/, expected: "a number of MB, or a number with k, m or g" },
    toFlag: (size) => `--rotate-size=${toSize(size)}`,
  },
  E: PRINTING,
  F: unsupported('write --expression "$(cat FILE)"'),
  G: {
    kind: "value",
    value: { pattern: DIGITS, expected: "a number of seconds" },
    toFlag: (seconds) => `--rotate-time=${seconds}s`,
  },
  H: PRINTING,
  I: unsupported("monitor mode is not supported; set it with iw(8) before"),
  J: unsupported("types of time stamps cannot be chosen; --precision is the unit of the times"),
  K: IMPLIED,
  L: unsupported("link types cannot be chosen; --list-devices lists the interfaces"),
  M: PRINTING,
  N: PRINTING,
  O: unsupported(
    "remove it: record optimizes the program of an expression wherever libpcap does that correctly and fast",
  ),
  Q: {
    kind: "value",
    value: { pattern: /^(?:in|out|inout|both)$/, expected: "in, out or inout" },
    toFlag: (direction) => `--direction=${direction === "inout" ? "both" : direction}`,
  },
  S: PRINTING,
  T: PRINTING,
  U: IMPLIED,
  V: unsupported("give --read for each file"),
  W: {
    kind: "value",
    value: { pattern: DIGITS, expected: "a number of files" },
    toFlag: (files) => `--ring=${files}`,
  },
  X: PRINTING,
  Z: unsupported(
    "record does not change its user; give the rights to capture to the user that runs it (docs/capture.md)",
  ),
  b: PRINTING,
  d: unsupported(
    "--print-program prints the program of --source ebpf, and the expression of flow flags for libpcap",
  ),
  e: PRINTING,
  f: unsupported(
    "record does not print addresses, and captures until it is stopped; remove it, as --follow is only a flag of observe",
  ),
  j: unsupported("types of time stamps cannot be chosen; --precision is the unit of the times"),
  m: PRINTING,
  p: { kind: "flag", toFlag: () => "--promiscuous=false" },
  q: unsupported(
    "tcpdump prints less of each packet with it, and record does not print packets; to print only results, set --silent-errors",
  ),
  u: PRINTING,
  v: IMPLIED,
  x: PRINTING,
  y: unsupported("the link type is that of the interface"),
  z: unsupported("record does not run programs; its Output lines name each file when it is complete"),
};

/** Long forms of the flags above, or of flags that have another name in `record`. */
export const LONG: Readonly<Record<string, Meaning>> = {
  count: unsupported("record reports the number of packets at its end; -w /dev/null writes them nowhere"),
  "dont-verify-checksums": IMPLIED,
  "immediate-mode": IMPLIED,
  "list-data-link-types": SHORT.L!,
  "list-interfaces": { kind: "flag", toFlag: () => "--list-devices" },
  linktype: SHORT.y!,
  micro: { kind: "flag", toFlag: () => "--precision=us" },
  "monitor-mode": SHORT.I!,
  nano: { kind: "flag", toFlag: () => "--precision=ns" },
  "no-optimize": SHORT.O!,
  "no-promiscuous-mode": SHORT.p!,
  number: PRINTING,
  "packet-buffered": IMPLIED,
  print: PRINTING,
  "relinquish-privileges": SHORT.Z!,
  "snapshot-length": { kind: "value", value: BYTES, toFlag: (bytes) => `--max-capture-len=${bytes}` },
  "time-stamp-precision": {
    kind: "value",
    value: { pattern: /^(?:micro|nano)$/, expected: "micro or nano" },
    toFlag: (unit) => `--precision=${unit === "micro" ? "us" : "ns"}`,
  },
  "time-stamp-type": SHORT.j!,
};

function unsupported(instead: string): Meaning {
  return { kind: "unsupported", instead };
}

/** Converts a size of `-C`: millions of bytes, or a number with a unit of powers of two. */
function toSize(text: string): string {
  const [, digits = "", unit = ""] = /^([0-9]+)([kKmMgG])$/.exec(text) ?? [];
  if (unit !== "") return `${digits}${unit.toUpperCase()}iB`;
  return DIGITS.test(text) ? `${text}MB` : text;
}
