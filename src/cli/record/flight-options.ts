import type { HubbleVersion } from "../../hubble/version.js";
import { FlagError } from "../../observer/flags/flag.js";
import type { ValuesOf } from "../../observer/flags/flag-values.js";
import { type FlowFlags, parseFlowFlags } from "../../observer/flags/parse.js";
import type { FlightScope } from "../../recorder/flight/option-values.js";
import { MAX_RING_BYTES, MIN_RING_BYTES } from "../../recorder/flight/option-values.js";
import { readServerOptions, type ServerFlagValues, type ServerOptions } from "../client/options.js";
import { compileFilters } from "../compile-filters.js";
import { UsageError } from "../error-text.js";
import { parseSize } from "../flags/size.js";
import { STANDARD_INPUT } from "../input/open.js";
import type { Io } from "../io/io.js";
import type { RECORD_FLAGS } from "./flags.js";
import { splitArguments } from "./split-arguments.js";

/** A flight recorder, as its flags describe it. */
export interface FlightCommandOptions {
  readonly trigger: Pick<FlowFlags, "allow" | "deny">;
  readonly hubble: HubbleVersion;
  /** Where events come from; undefined if packets are tested. */
  readonly events: { readonly file: string } | { readonly server: ServerOptions } | undefined;
  readonly ringBytes: number | undefined;
  readonly beforeMs: number | undefined;
  readonly afterMs: number | undefined;
  readonly skewMs: number | undefined;
  readonly scope: FlightScope | undefined;
  readonly maxPerMinute: number | undefined;
}

type Extra = ValuesOf<typeof RECORD_FLAGS> & ServerFlagValues;

/** Flags that need --trigger. --before also goes with names. */
const OWN_FLAGS = ["events", "before", "after", "scope", "skew", "max-per-minute"] as const;

/** Flags of recordings with an end or several files. */
const OTHER_FLAGS = ["packet-limit", "bytes-limit", "time-limit", "rotate-size", "rotate-time"] as const;

/**
 * Reads the flags of a flight recorder; undefined without --trigger.
 *
 * @throws UsageError, FilterError.
 */
export async function readFlightOptions(
  extra: Extra,
  hubble: HubbleVersion,
  io: Io,
  isByName: boolean,
): Promise<FlightCommandOptions | undefined> {
  const { trigger: text, events, ring, before, after, skew, scope } = extra;
  if (text === undefined) {
    const given = OWN_FLAGS.find((name) => extra[name] !== undefined && !(isByName && name === "before"));
    if (given !== undefined) throw new UsageError(`--${given} requires --trigger`);
    return undefined;
  }
  const other = OTHER_FLAGS.find((name) => extra[name] !== undefined);
  if (other !== undefined) throw new UsageError(`cannot set both --trigger and --${other}`);
  if (extra.write === "-") {
    throw new UsageError("a flight recorder writes several captures; set -w to a file or a directory");
  }
  const trigger = readTrigger(text, hubble, io);
  await compileFilters(trigger, hubble);
  const perMinute = extra["max-per-minute"];
  if (perMinute === 0n) throw new UsageError("--max-per-minute must be at least 1");
  return {
    trigger,
    hubble,
    events: readEvents(extra, events),
    ringBytes: ring === undefined ? undefined : readRing(ring),
    beforeMs: notNegative("before", before),
    afterMs: notNegative("after", after),
    skewMs: notNegative("skew", skew),
    scope,
    maxPerMinute: perMinute === undefined ? undefined : Number(perMinute),
  };
}

function readTrigger(text: string, hubble: HubbleVersion, io: Io): FlightCommandOptions["trigger"] {
  const args = splitArguments(text);
  if ("fault" in args) throw new UsageError(`invalid --trigger: ${args.fault}`);
  try {
    const {
      allow,
      deny,
      positionals,
      extra: _,
      ...selection
    } = parseFlowFlags(args.value, {
      hubble,
      now: () => io.clock.now(),
    });
    const [selector] = Object.keys(selection);
    if (selector !== undefined)
      throw new FlagError("only flags that filter flows apply, not --last, --since and the like");
    if (positionals.length > 0) throw new FlagError(`unexpected argument ${positionals[0]}`);
    return { allow, deny };
  } catch (error) {
    if (error instanceof FlagError) throw new UsageError(`invalid --trigger: ${error.message}`);
    throw error;
  }
}

function readEvents(extra: Extra, file: string | undefined): FlightCommandOptions["events"] {
  // An environment variable must not replace the packets that are tested.
  const server = readServerOptions(extra, { env: {} });
  const { read = [] } = extra;
  if (file === undefined) {
    if (server !== undefined && read.length > 0)
      throw new UsageError("cannot set both --read and --server; set --events");
    return server && { server };
  }
  if (file === STANDARD_INPUT && read.includes(STANDARD_INPUT))
    throw new UsageError("standard input can be read only once");
  if (server !== undefined) throw new UsageError("cannot set both --events and --server");
  return { file };
}

/** @throws UsageError */
export function readRing(text: string): number {
  const bytes = parseSize("ring", text);
  if (bytes < MIN_RING_BYTES || bytes > MAX_RING_BYTES) {
    throw new UsageError(`--ring must be 512K to 4095M with --trigger or --before, not ${text}`);
  }
  return bytes;
}

/** @throws UsageError */
export function notNegative(flag: string, durationMs: number | undefined): number | undefined {
  if (durationMs !== undefined && durationMs < 0) throw new UsageError(`--${flag} must not be below 0`);
  return durationMs;
}
