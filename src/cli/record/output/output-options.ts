import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseUint } from "../../../go/strconv/parse-integer.js";
import { goQuote } from "../../../go/strconv/quote.js";
import type { FlowCommentOptions } from "../../../observer/comments/flow-comments.js";
import type { ValuesOf } from "../../../observer/flags/flag-values.js";
import type { Resolution } from "../../../packet/batch.js";
import type { FileRotation } from "../../../sink/file.js";
import { UsageError } from "../../error-text.js";
import type { CaptureFormat } from "../../flags/format-flags.js";
import { parseSize } from "../../flags/size.js";
import { STANDARD_INPUT } from "../../input/open.js";
import type { Io } from "../../io/io.js";
import type { RECORD_FLAGS } from "../flags.js";

/** The path for standard output. */
export const STANDARD_OUTPUT = "-";

type Extra = ValuesOf<typeof RECORD_FLAGS>;

/** Where packets are written, and in which format. */
export interface OutputOptions {
  readonly target: OutputTarget;
  readonly fileFormat: CaptureFormat;
  /** Undefined: choose the most suitable one. */
  readonly precision: Resolution | undefined;
  readonly rotation: FileRotation | undefined;
  readonly nodeName: string | undefined;
  /** How packets are commented with their flows; undefined if they are not. */
  readonly comments: Pick<FlowCommentOptions, "per" | "json"> | undefined;
  /** The path of the TLS key log whose secrets are added. */
  readonly keyLog: string | undefined;
  /** Whether to add the node, the operating system and the version of the program. */
  readonly describesInterfaces: boolean;
  /** Whether names of addresses are added that flows have. */
  readonly resolvesNames: boolean;
}

export type OutputTarget =
  | { readonly kind: "stdout" }
  | { readonly kind: "file"; readonly path: string; readonly overwrite: boolean }
  | { readonly kind: "folder"; readonly path: string };

/** Parsed like flags of the kind `uint64`. */
function readCount(flag: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const parsed = parseUint(text, 0, 64);
  if ("value" in parsed) return parsed.value;
  throw new UsageError(`invalid argument ${goQuote(text)} for "--${flag}" flag: ${parsed.fault}`);
}

function readSize(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseSize(flag, text);
}

export function readOutput(extra: Extra, read: readonly string[], io: Io): OutputOptions {
  const { write = ".", node } = extra;
  const target = readTarget(write, extra.overwrite === true);
  if (target.kind === "file") checkNoInput(target.path, read);
  const rotation = readRotation(extra);
  if (target.kind === "stdout") {
    if (rotation !== undefined) throw new UsageError("standard output cannot be rotated");
    if (io.stdout.isTerminal)
      throw new UsageError(
        "refusing to write a binary capture to a terminal: redirect the output, or set -w",
      );
  }
  const isNamedPcapng = target.kind === "file" && target.path.endsWith(".pcapng");
  const fileFormat = extra.format ?? (isNamedPcapng ? "pcapng" : "pcap");
  const comments = readComments(extra);
  if (comments !== undefined) checkPcapng("flow-comments", fileFormat);
  for (const flag of PCAPNG_FLAGS) if (extra[flag] !== undefined) checkPcapng(flag, fileFormat);
  return {
    target,
    fileFormat,
    comments,
    keyLog: extra["inject-secrets"],
    describesInterfaces: extra["describe-interfaces"] === true,
    resolvesNames: extra["resolve-names"] === true,
    precision: extra.precision,
    rotation,
    nodeName: node,
  };
}

/** Flags for what only pcapng can store. */
const PCAPNG_FLAGS = ["inject-secrets", "describe-interfaces", "resolve-names"] as const;

function checkPcapng(flag: string, fileFormat: CaptureFormat): void {
  if (fileFormat === "pcapng") return;
  throw new UsageError(`--${flag} requires pcapng; set --format pcapng, or a name that ends in .pcapng`);
}

function readComments({
  "flow-comments": per = "none",
  "flow-json": json = false,
}: Extra): OutputOptions["comments"] {
  if (per === "none") {
    if (json) throw new UsageError("--flow-json requires --flow-comments");
    return undefined;
  }
  return { per, json };
}

function readTarget(path: string, overwrite: boolean): OutputTarget {
  if (path === STANDARD_OUTPUT) return { kind: "stdout" };
  const isFolder = path.endsWith("/") || statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? { kind: "folder", path } : { kind: "file", path, overwrite };
}

/** Rejects an output file that is also an input. */
function checkNoInput(path: string, read: readonly string[]): void {
  const output = statSync(path, { throwIfNoEntry: false });
  if (output?.isFile() !== true) return;
  for (const input of read) {
    const stats = input === STANDARD_INPUT ? undefined : statSync(input, { throwIfNoEntry: false });
    if (resolve(input) === resolve(path) || (stats?.ino === output.ino && stats.dev === output.dev)) {
      throw new UsageError(`${path} is an input and cannot be overwritten`);
    }
  }
}

function readRotation(extra: Extra): FileRotation | undefined {
  const maxBytes = readSize("rotate-size", extra["rotate-size"]);
  const { "rotate-time": maxDurationMs } = extra;
  const isInMemory = extra.trigger !== undefined || (extra.before ?? 0) > 0;
  const ring = isInMemory ? undefined : readCount("ring", extra.ring);
  if (maxDurationMs !== undefined && maxDurationMs <= 0) {
    throw new UsageError("--rotate-time must be above 0");
  }
  if (ring === 0n) throw new UsageError("--ring must be at least 1");
  if (maxBytes === undefined && maxDurationMs === undefined) {
    if (ring !== undefined) throw new UsageError("--ring needs --rotate-size or --rotate-time");
    return undefined;
  }
  return {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(maxDurationMs !== undefined && { maxDurationMs }),
    ...(ring !== undefined && { ringFiles: Number(ring) }),
  };
}
