import { existsSync, statSync } from "node:fs";
import type { AddressSelection } from "../../collect/address-book/selection.js";
import { cutText } from "../../errors/cut-text.js";
import { goQuote } from "../../go/strconv/quote.js";
import { DEFAULT_HUBBLE_VERSION, type HubbleVersion } from "../../hubble/version.js";
import { type FlowFlags, parseFlowFlags } from "../../observer/flags/parse.js";
import type { FlowTest } from "../../observer/select-matching.js";
import type { PacketFilterInit } from "../../packet/filter/check.js";
import type { FlowLookups, FlowOptions, PacketPart } from "../../packet/index.js";
import type { StartRecordingInit } from "../../recorder/start.js";
import type { FlowSelection } from "../../source/flow-selection.js";
import { readServerOptions, type ServerOptions } from "../client/options.js";
import { compileFilters, compilePacketPart } from "../compile-filters.js";
import { UsageError } from "../error-text.js";
import { type CaptureOptions, readCaptureOptions } from "../flags/capture-flags.js";
import { CLIENT_FLAGS } from "../flags/client-flags.js";
import { findHubbleVersion } from "../flags/hubble-version.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { Io } from "../io/io.js";
import { type FilterArguments, parseFilterArguments } from "./filter-arguments.js";
import { ALL_RECORD_FLAGS, RECORD_FLAG_SCOPES, RECORD_FLAGS, REFUSED_FLAGS } from "./flags.js";
import { type FlightCommandOptions, notNegative, readFlightOptions, readRing } from "./flight-options.js";
import { ANY_FILTER, type RecordLimits, readRecordLimits } from "./limits.js";
import { type OutputOptions, readOutput } from "./output/output-options.js";
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

/** The flags of a recording in this process; those of a client are for the events of a flight recorder. */
const LOCAL_FLAGS = [...RECORD_FLAGS, ...CLIENT_FLAGS] as const;

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
  const { selectionsOfFilters } = await import("../../collect/by-name/selections-of-filters.js");
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

/** Creates the recording request for a source that is already filtered. */
export function requestOf({ limits }: RecordCommandOptions): StartRecordingInit {
  return { ...limits, include: [ANY_FILTER] };
}
