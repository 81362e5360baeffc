import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { AddressSelection } from "../../collect/address-book/selection.js";
import { cutText } from "../../errors/cut-text.js";
import { parseUint } from "../../go/strconv/parse-integer.js";
import { goQuote } from "../../go/strconv/quote.js";
import { DEFAULT_HUBBLE_VERSION, type HubbleVersion } from "../../hubble/version.js";
import type { FlowCommentOptions } from "../../observer/comments/flow-comments.js";
import { type FlowFlags, parseFlowFlags } from "../../observer/flags/parse.js";
import type { FlowTest } from "../../observer/select-matching.js";
import type { Resolution } from "../../packet/batch.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import type { FlowLookups, FlowOptions, PacketPart } from "../../packet/index.js";
import type { StartRecordingInit } from "../../recorder/start.js";
import type { FileRotation } from "../../sink/file.js";
import type { FlowSelection } from "../../source/flow-selection.js";
import { readServerOptions, type ServerOptions } from "../client/options.js";
import { compileFilters, compilePacketPart } from "../compile-filters.js";
import { UsageError } from "../error-text.js";
import { type CaptureOptions, readCaptureOptions } from "../flags/capture-flags.js";
import { CLIENT_FLAGS } from "../flags/client-flags.js";
import type { CaptureFormat } from "../flags/format-flags.js";
import { findHubbleVersion } from "../flags/hubble-version.js";
import { parseSize } from "../flags/size.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { Io } from "../io/io.js";
import { type FilterArguments, parseFilterArguments } from "./filter-arguments.js";
import { ALL_RECORD_FLAGS, RECORD_FLAG_SCOPES, RECORD_FLAGS, REFUSED_FLAGS } from "./flags.js";
import { type FlightCommandOptions, notNegative, readFlightOptions, readRing } from "./flight-options.js";
import { ANY_FILTER, type RecordLimits, readRecordLimits } from "./limits.js";
import { fromTcpdumpFlags } from "./tcpdump-flags.js";

/** The options of `record`, as parsed from its command line. */
export interface RecordCommandOptions extends CaptureOptions {
  readonly action: "help" | "list-devices" | "print-program" | "record";
  readonly hubble: HubbleVersion;
  readonly device: string | undefined;
  readonly inputs: readonly string[];
  /** Undefined for all packets. */
  readonly include: readonly PacketFilterInit[] | undefined;
  readonly expression: string | undefined;
  /** Undefined if packets are not selected by their flows. */
  readonly flows: FlowQuestion | undefined;
  readonly limits: RecordLimits;
  readonly output: OutputOptions;
  readonly guessReplies: boolean;
  readonly tunnels: boolean;
  readonly filePrefix: string | undefined;
  /** Names of flows whose addresses a server knows; undefined if packets are not recorded by name. */
  readonly names: NameOptions | undefined;
  /** Undefined without --trigger. */
  readonly flight: FlightCommandOptions | undefined;
  /** End with exit code 3 if packets cannot be decoded for the filters. */
  readonly strictInput: boolean;
  readonly silent: boolean;
}

/** Maximum characters of an expression to quote in a message. */
const QUOTED_LENGTH = 200;

/** How packets are recorded by name. */
export interface NameOptions {
  readonly server: ServerOptions;
  /** Undefined if flows without these names may pass the filters. */
  readonly selections: readonly AddressSelection[] | undefined;
  readonly beforeMs: number;
  readonly ringBytes: number | undefined;
}

/** Conditions on the flows of packets to record. */
export interface FlowQuestion extends Pick<FlowFlags, "since" | "until"> {
  /** The names of packets; undefined for flows without names. */
  readonly lookups?: FlowLookups & Pick<FlowOptions, "memoEntries">;
  readonly passes: FlowTest;
  /** The part of the filters that packets alone can answer; undefined without filters. */
  readonly part: PacketPart | undefined;
  /** The filters for the kernel; undefined without filters. */
  readonly selection: FlowSelection | undefined;
  readonly guessReplies: boolean;
  readonly tunnels: boolean;
  readonly nodeName: string;
}

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

/** The flags of a recording in this process; those of a client are for the events of a flight recorder. */
const LOCAL_FLAGS = [...RECORD_FLAGS, ...CLIENT_FLAGS] as const;

/** The path for standard output. */
export const STANDARD_OUTPUT = "-";

/**
 * Parses the arguments of `record` and validates everything that does not require opening anything.
 *
 * @throws FlagError, UsageError, ConfigurationError, with Hubble's messages if Hubble has the same check.
 */
export async function readRecordOptions(args: readonly string[], io: Io): Promise<RecordCommandOptions> {
  const ownArgs = fromTcpdumpFlags(args, [...ALL_RECORD_FLAGS, ...CLIENT_FLAGS]);
  const hubble =
    findHubbleVersion(ownArgs, [...ALL_RECORD_FLAGS, ...CLIENT_FLAGS], io) ?? DEFAULT_HUBBLE_VERSION;
  const { extra, positionals, allow, deny, ...selection } = parseFlowFlags(ownArgs, {
    hubble,
    extra: LOCAL_FLAGS,
    now: () => io.clock.now(),
  });
  refuseSelectors(selection);
  const { device, read = [], node = "" } = extra;
  const action = readAction(extra);
  if (action === "record") checkInput(device, read, positionals, ownArgs);
  const { filters, expression } = readFilters(positionals, extra);
  const capture = readCaptureOptions(extra);
  const limits = readRecordLimits(extra, filters);
  if (read.length > 0) refuseDeviceFlags(extra);
  if (action === "print-program" && capture.source !== "ebpf" && allow.length + deny.length === 0) {
    throw new UsageError("--print-program requires --source ebpf or flow flags");
  }
  const { since, until } = selection;
  const names = await readNames(extra, { allow, deny });
  const flight = await readFlightOptions(extra, hubble, io, names !== undefined);
  if (extra["resolve-names"] === true && names === undefined && flight?.events === undefined) {
    throw new UsageError(
      "--resolve-names requires flows with names: --server with --device and flow flags, or --trigger with --server or --events",
    );
  }
  const asksFlows = allow.length + deny.length > 0 || since !== undefined || until !== undefined;
  return {
    action,
    hubble,
    device,
    inputs: read,
    ...capture,
    include: filters.length === 0 ? undefined : filters,
    expression,
    flows: asksFlows
      ? {
          passes: await compileFilters({ allow, deny }, hubble),
          part: await compilePacketPart({ allow, deny }, hubble),
          selection:
            allow.length + deny.length === 0
              ? undefined
              : { allow, deny, hubble, tunnels: extra.tunnels === true },
          ...(since && { since }),
          ...(until && { until }),
          guessReplies: extra["guess-replies"] === true,
          tunnels: extra.tunnels === true,
          nodeName: node,
        }
      : undefined,
    limits,
    output: readOutput(extra, read, io),
    guessReplies: extra["guess-replies"] === true,
    tunnels: extra.tunnels === true,
    filePrefix: extra["file-prefix"],
    names,
    flight,
    strictInput: extra["strict-input"] === true,
    silent: extra["silent-errors"] === true,
  };
}

/** Reads how packets of a device are recorded by the names of a server; undefined without a server. */
async function readNames(
  extra: Extra,
  { allow, deny }: Pick<FlowFlags, "allow" | "deny">,
): Promise<NameOptions | undefined> {
  if (extra.trigger !== undefined || extra.device === undefined) return undefined;
  const server = readServerOptions(extra, { env: {} });
  if (server === undefined || allow.length + deny.length === 0) return undefined;
  const { selectionsOfFilters } = await import("../../collect/address-book/selections-of-filters.js");
  const beforeMs = notNegative("before", extra.before) ?? 0;
  const selections = selectionsOfFilters(allow);
  if (beforeMs > 0 && selections === undefined) {
    throw new UsageError("--before requires names, such as --pod, that every packet must have");
  }
  return {
    server,
    selections,
    beforeMs,
    ringBytes: beforeMs > 0 && extra.ring !== undefined ? readRing(extra.ring) : undefined,
  };
}

type Extra = ReturnType<typeof parseFlowFlags<typeof LOCAL_FLAGS>>["extra"];

function refuseSelectors({ number, follow }: Pick<FlowFlags, "number" | "follow">): void {
  if (number === undefined && follow === undefined) return;
  const flags = REFUSED_FLAGS.map((name) => `--${name}`).join(", ");
  throw new UsageError(
    `${flags} are flags of observe; record has --packet-limit, --bytes-limit and --time-limit`,
  );
}

/** Rejects flags that have an effect for devices only. */
function refuseDeviceFlags(extra: Extra): void {
  const name = RECORD_FLAGS.find(
    (flag) => extra[flag.name] !== undefined && RECORD_FLAG_SCOPES[flag.name] === "device",
  )?.name;
  if (name !== undefined) throw new UsageError(`--${name} requires --device; it has no effect with --read`);
}

function readAction(extra: Extra): RecordCommandOptions["action"] {
  if (extra.help === true) return "help";
  if (extra["list-devices"] === true) return "list-devices";
  return extra["print-program"] === true ? "print-program" : "record";
}

/** Reads the filters and the expression from the flag or the arguments. */
function readFilters(positionals: readonly string[], { expression: flag }: Extra): FilterArguments {
  const { filters, expression } = parseFilterArguments(positionals);
  if (expression !== undefined && flag !== undefined) {
    throw new UsageError(
      `cannot set both --expression and ${cutText(goQuote(expression), QUOTED_LENGTH)} as arguments`,
    );
  }
  return { filters, expression: expression ?? (flag === "" ? undefined : flag) };
}

function checkInput(
  device: string | undefined,
  read: readonly string[],
  positionals: readonly string[],
  args: readonly string[],
): void {
  if (device !== undefined && read.length > 0) throw new UsageError("cannot set both --device and --read");
  if (device === undefined && read.length === 0) {
    const file = positionals.find((path) => existsSync(path) && statSync(path).isFile());
    if (file !== undefined) throw new UsageError(`no input: to read ${file}, set --read ${file}`);
    const hint = args.some((argument) => /^--interface(?:=|$)/.test(argument))
      ? "; --interface selects flows by their interface"
      : "";
    throw new UsageError(
      `no input: set a device with -i (--list-devices prints the devices), or captures with --read${hint}`,
    );
  }
  if (read.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw new UsageError("standard input can be read only once");
  }
}

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

/** Creates the recording request for a source that is already filtered. */
export function requestOf({ limits }: RecordCommandOptions): StartRecordingInit {
  return { ...limits, include: [ANY_FILTER] };
}

function readOutput(extra: Extra, read: readonly string[], io: Io): OutputOptions {
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
