import { existsSync } from "node:fs";
import type { HubbleRules } from "../../hubble/rules.js";
import { DEFAULT_HUBBLE_VERSION, type HubbleVersion, rulesOf } from "../../hubble/version.js";
import { type Layout, traitsOf } from "../../observer/format/output-format.js";
import {
  checkFieldMask,
  compileFieldMask,
  defaultFieldMask,
  type FieldMask,
  type FlowFlags,
  type FormatFlowOptions,
  parseFlowFlags,
} from "../../observer/index.js";
import { readServerOptions, type ServerOptions } from "../client/options.js";
import { UsageError } from "../error-text.js";
import { findHubbleVersion } from "../flags/hubble-version.js";
import type { PacketOptions } from "../input/events.js";
import { STANDARD_INPUT } from "../input/open.js";
import { wantsColor } from "../io/color.js";
import type { Io } from "../io/io.js";
import { type AggregateOptions, readAggregateOptions } from "./aggregate/options.js";
import {
  ALL_OBSERVE_FLAGS,
  OBSERVE_FLAG_SCOPES,
  type OBSERVE_FLAGS,
  OBSERVE_FLAGS_OF,
  OBSERVE_FORMATS,
} from "./flags.js";

/** The options of `observe`, as parsed from its command line. */
export interface ObserveOptions {
  /** The version of Hubble to work like. */
  readonly hubble: HubbleVersion;
  readonly help: boolean;
  readonly printRawFilters: boolean;
  readonly explain: boolean;
  /** How flows are aggregated; undefined if each is printed. */
  readonly aggregate: AggregateOptions | undefined;
  readonly selection: Omit<FlowFlags, "extra" | "positionals">;
  /** Paths of the input files; empty for a server. */
  readonly inputs: readonly string[];
  readonly server: ServerOptions | undefined;
  /** Whether to reconnect after the connection to the server is lost. */
  readonly reconnect: boolean;
  readonly format: FormatFlowOptions;
  /** Whether to print lines as they are; `format` has no effect then. */
  readonly isRaw: boolean;
  /** Applied to events before they are printed. */
  readonly mask: FieldMask | undefined;
  /** The fields to request from a server; all if empty. */
  readonly requestMask: readonly string[];
  readonly packets: PacketOptions;
  readonly strictInput: boolean;
  /** Number of threads that filter export files; 1 if this one does. */
  readonly jobs: number;
  readonly silentErrors: boolean;
  readonly progress: boolean;
}

/**
 * Parses the arguments of `observe`.
 *
 * @throws FlagError, FieldMaskError or UsageError for invalid arguments, with Hubble's messages if Hubble has the same
 *   check.
 */
export function readObserveOptions(
  args: readonly string[],
  io: Io,
  hubble: HubbleVersion = givenVersion(args, io) ?? DEFAULT_HUBBLE_VERSION,
): ObserveOptions {
  const rules = rulesOf(hubble);
  const { extra, positionals, ...selection } = parseFlowFlags(args, {
    hubble,
    extra: OBSERVE_FLAGS_OF[rules.fieldMaskFlags],
    env: io.env,
    now: () => io.clock.now(),
  });
  const { explain = false, node = "", progress = true } = extra;
  const wanted = readOutput(extra.output, extra.json === true);
  const isOutputGiven = extra.output !== undefined || extra.json === true;
  const aggregate = readAggregateOptions(extra, isOutputGiven ? wanted : undefined, maskOf(extra));
  const output = aggregate?.isTable === true ? "table" : wanted;
  checkOutput(output, explain, selection.follow === true && aggregate === undefined);
  refuseSubcommand(positionals);
  const inputs = readInputs([...(extra["input-file"] ?? []), ...positionals]);
  const masks = readMasks(extra, output, rules, aggregate);
  return {
    hubble,
    help: extra.help === true,
    printRawFilters: extra["print-raw-filters"] === true,
    explain,
    aggregate,
    selection,
    inputs,
    server: readServer(extra, output, inputs, io),
    reconnect: extra.reconnect ?? selection.follow === true,
    format: {
      hubble,
      output: output === "raw" ? "jsonpb" : output,
      timeFormat: extra["time-format"],
      color: wantsColor(extra.color ?? "auto", io),
      ipTranslation: extra.numeric !== true && extra["ip-translation"] !== false,
      nodeName: extra["print-node-name"],
      policyNames: extra["print-policy-names"],
      rawControls: extra["raw-controls"],
      lostEvents: extra["lost-events"],
      debug: extra.debug,
    },
    isRaw: output === "raw",
    ...masks,
    packets: {
      nodeName: node,
      strict: extra.strict === true,
      guessReplies: extra["guess-replies"] === true,
      tunnels: extra.tunnels === true,
    },
    strictInput: extra["strict-input"] === true,
    jobs: readJobs(extra, selection.follow === true),
    silentErrors: extra["silent-errors"] === true,
    progress,
  };
}

/** The version of Hubble in the arguments of `observe` or the environment; undefined if none is given. */
export function givenVersion(args: readonly string[], io: Pick<Io, "env">): HubbleVersion | undefined {
  return findHubbleVersion(args, ALL_OBSERVE_FLAGS, io);
}

type Extra = ReturnType<typeof parseFlowFlags<typeof OBSERVE_FLAGS>>["extra"];

/** The server from the flags or, if no files are given, from the environment. */
function readServer(
  extra: Extra,
  output: ObserveFormat,
  inputs: readonly string[],
  io: Io,
): ServerOptions | undefined {
  if (inputs.length > 0) {
    if (extra["port-forward"] === true) {
      // As in Hubble, which names a flag that does not exist.
      throw new UsageError("cannot use --input-file and --auto-port-forward together");
    }
    if (extra.server !== undefined) throw new UsageError("cannot set both --server and files");
    return readServerOptions(extra, { env: {} });
  }
  const server = readServerOptions(extra, io);
  if (server === undefined) return undefined;
  if (output === "raw") {
    throw new UsageError(`raw output format requires files; use jsonpb with ${flagOf(server)}`);
  }
  // The cast is true: each key is a flag of `observe`, and the table lacks only the flags for a server.
  const names = Object.keys(OBSERVE_FLAG_SCOPES) as (keyof typeof OBSERVE_FLAG_SCOPES)[];
  const given = names.find(
    (name) => (extra[name] ?? false) !== false && OBSERVE_FLAG_SCOPES[name] === "files",
  );
  if (given !== undefined)
    throw new UsageError(`--${given} requires files; it has no effect with ${flagOf(server)}`);
  return server;
}

/** The flag that names the server. */
function flagOf({ address, portForward }: ServerOptions): string {
  return portForward === undefined ? `--server ${address}` : "--port-forward";
}

const MAX_JOBS = 64n;

function readJobs({ jobs = 1n, explain, "strict-input": strictInput }: Extra, follow: boolean): number {
  if (jobs < 1n || jobs > MAX_JOBS) throw new UsageError(`--jobs must be 1 to ${MAX_JOBS}`);
  // These need every line, or read as lines arrive.
  const other = explain ? "explain" : strictInput ? "strict-input" : follow ? "follow" : undefined;
  if (jobs > 1n && other !== undefined) throw new UsageError(`cannot set both --jobs and --${other}`);
  return Number(jobs);
}

type ObserveFormat = (typeof OBSERVE_FORMATS)[number];

function readOutput(text: string | undefined, json: boolean): ObserveFormat {
  const name = text ?? (json ? "json" : "compact");
  // Hubble also accepts this one in upper case.
  const output = OBSERVE_FORMATS.find((format) => format === (name === "JSON" ? "json" : name));
  if (output === undefined) throw new UsageError(`invalid output format: ${name}`);
  return output;
}

/** Which flags each layout supports. Exhaustive: a new layout does not compile until it is listed. */
const SUPPORT: { readonly [K in Layout | "raw"]: Readonly<Record<"follow" | "explain" | "mask", boolean>> } =
  {
    lines: { follow: true, explain: true, mask: false },
    records: { follow: true, explain: true, mask: false },
    table: { follow: false, explain: false, mask: false },
    json: { follow: true, explain: false, mask: true },
    raw: { follow: true, explain: false, mask: false },
  };

function layoutOf(output: ObserveFormat): Layout | "raw" {
  return output === "raw" ? output : traitsOf(output).layout;
}

function checkOutput(output: ObserveFormat, explain: boolean, follow: boolean): void {
  const support = SUPPORT[layoutOf(output)];
  if (follow && !support.follow)
    throw new UsageError("table output format is not compatible with follow mode");
  if (explain && !support.explain) {
    throw new UsageError(`${output} output format is not compatible with --explain`);
  }
}

/** The masks of an output: for what is printed, and for requests. */
type Masks = Pick<ObserveOptions, "mask" | "requestMask">;

function readMasks(
  extra: Extra,
  output: ObserveFormat,
  rules: HubbleRules,
  aggregate: AggregateOptions | undefined,
): Masks {
  const paths = maskOf(extra);
  const isCustom = paths !== undefined && (paths.length > 0 || rules.fieldMaskFlags === "experimental");
  if (isCustom && !SUPPORT[layoutOf(output)].mask) {
    throw new UsageError(`${output} output format is not compatible with custom field mask`);
  }
  const usesDefault = rules.masksByDefault && extra["use-default-field-masks"] !== false;
  return MASKS[rules.fieldMaskField](
    isCustom ? paths : undefined,
    usesDefault && DEFAULT_MASKED[layoutOf(output)],
    aggregate?.fields,
  );
}

/** The fields of the field mask that was given. */
function maskOf({
  "experimental-field-mask": experimental,
  "field-mask": stable,
}: Extra): readonly string[] | undefined {
  return experimental && stable ? [...experimental, ...stable] : (experimental ?? stable);
}

/** The fields that are needed to count groups, besides those by which flows are aggregated. */
const COUNTED_FIELDS = ["time", "traffic_direction", "aggregate"];

/** Whether Hubble requests only the fields that the layout prints. */
const DEFAULT_MASKED: { readonly [K in Layout | "raw"]: boolean } = {
  lines: true,
  records: true,
  table: true,
  json: false,
  raw: false,
};

/**
 * Where a mask applies: with the request field of 1.19, only at the server, as in Hubble. A mask of printed events also
 * has the counts of a group; one of requests what is needed to make them.
 */
const MASKS: {
  readonly [K in HubbleRules["fieldMaskField"]]: (
    paths: readonly string[] | undefined,
    usesDefault: boolean,
    aggregated: readonly string[] | undefined,
  ) => Masks;
} = {
  experimental: (paths, _, aggregated) => ({
    mask: paths && compileFieldMask(aggregated && paths.length > 0 ? [...paths, "aggregate"] : paths),
    requestMask: [],
  }),
  request(paths, usesDefault, aggregated) {
    const wrong = checkFieldMask(paths ?? [])[0];
    if (wrong !== undefined) {
      const fault = wrong.message.replace("invalid fieldmask: ", "proto: ");
      throw new UsageError(`failed to construct field mask: ${fault}`);
    }
    if (aggregated !== undefined)
      return { mask: undefined, requestMask: countedMask(paths, usesDefault, aggregated) };
    return { mask: undefined, requestMask: paths ?? (usesDefault ? defaultFieldMask("1.19") : []) };
  },
};

/** The fields to request for groups. Those of a mask that was given are printed, too. */
function countedMask(
  paths: readonly string[] | undefined,
  isTable: boolean,
  aggregated: readonly string[],
): readonly string[] {
  if (paths !== undefined && paths.length > 0) return [...new Set([...paths, ...COUNTED_FIELDS])];
  return isTable ? [...new Set([...aggregated, ...COUNTED_FIELDS])] : [];
}

/** What to use instead of the subcommands of `hubble observe`. */
const SUBCOMMANDS: Readonly<Record<string, string>> = {
  flows: "omit it",
  "agent-events":
    "agent events of files are printed with their flows, and servers are queried for flows only",
  "debug-events":
    "debug events of files are printed with their flows, and servers are queried for flows only",
};

/** Rejects Hubble's subcommands, wherever they are among the arguments, unless a file of that name exists. */
function refuseSubcommand(positionals: readonly string[]): void {
  const name = positionals.find((word) => Object.hasOwn(SUBCOMMANDS, word) && !existsSync(word));
  if (name === undefined) return;
  throw new UsageError(`observe has no subcommand ${name}, and there is no such file: ${SUBCOMMANDS[name]}`);
}

function readInputs(paths: readonly string[]): readonly string[] {
  if (paths.filter((path) => path === STANDARD_INPUT).length > 1) {
    throw new UsageError("standard input can be read only once");
  }
  return paths;
}
