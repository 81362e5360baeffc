import { DEFAULT_HUBBLE_VERSION } from "../../hubble/version.js";
import { parseFlowFlags } from "../../observer/flags/parse.js";
import type { StartRecordingInit } from "../../recorder/start.js";
import { PORT_FORWARD_FLAGS, readServerOptions, type ServerOptions } from "../client/options.js";
import { UsageError } from "../error-text.js";
import { CLIENT_FLAGS } from "../flags/client-flags.js";
import { findHubbleVersion } from "../flags/hubble-version.js";
import type { Io } from "../io/io.js";
import { parseFilterArguments } from "./filter-arguments.js";
import { ALL_RECORD_FLAGS, RECORD_FLAG_SCOPES, RECORD_FLAGS } from "./flags.js";
import { readRecordLimits } from "./limits.js";
import { fromTcpdumpFlags } from "./tcpdump-flags.js";

/** A recording to request from a server. */
export interface RemoteRecordOptions {
  readonly server: ServerOptions;
  readonly start: StartRecordingInit;
  readonly silent: boolean;
}

const FLAGS = [...RECORD_FLAGS, ...CLIENT_FLAGS] as const;

/** Flags that make the command local, even if the environment names a server. */
const LOCAL_FLAGS = ["help", "device", "read", "list-devices", "print-program"] as const;

/**
 * Parses the arguments of `record` for a server; undefined if no server is given.
 *
 * @throws FlagError, UsageError, ConfigurationError. The server validates the prefixes.
 */
export function readRemoteRecordOptions(args: readonly string[], io: Io): RemoteRecordOptions | undefined {
  const ownArgs = fromTcpdumpFlags(args, [...ALL_RECORD_FLAGS, ...CLIENT_FLAGS]);
  const hubble =
    findHubbleVersion(ownArgs, [...ALL_RECORD_FLAGS, ...CLIENT_FLAGS], io) ?? DEFAULT_HUBBLE_VERSION;
  const { extra, positionals, allow, deny, ...selection } = parseFlowFlags(ownArgs, {
    hubble,
    extra: FLAGS,
    now: () => io.clock.now(),
  });
  const isLocal = LOCAL_FLAGS.some((name) => extra[name] !== undefined);
  // A flight recorder takes only events from a server.
  if (extra.help === true || extra.trigger !== undefined) return undefined;
  // A recording of a device by name takes only names from a server.
  if (extra.device !== undefined && allow.length + deny.length > 0) return undefined;
  const server = readServerOptions(extra, isLocal ? { env: {} } : io);
  if (server === undefined) {
    const unused = PORT_FORWARD_FLAGS.find((name) => extra[name] !== undefined);
    if (unused !== undefined) throw new UsageError(`--${unused} needs --port-forward`);
    return undefined;
  }
  const given = RECORD_FLAGS.find(
    ({ name }) => extra[name] !== undefined && RECORD_FLAG_SCOPES[name] !== "everywhere",
  )?.name;
  if (given !== undefined) {
    const flag = server.portForward === undefined ? "server" : "port-forward";
    throw new UsageError(`cannot set both --${flag} and --${given}`);
  }
  if (allow.length + deny.length > 0 || Object.keys(selection).length > 0) {
    throw new UsageError("a server records by filters only, not by flags about flows");
  }
  const { filters, expression } = parseFilterArguments(positionals);
  if (expression !== undefined) {
    throw new UsageError(
      "a server records by 5-tuple filters only, not by pcap-filter text: SOURCE-PREFIX SOURCE-PORT DESTINATION-PREFIX DESTINATION-PORT PROTOCOL, as one argument",
    );
  }
  if (filters.length === 0) throw new UsageError("need to specify at least one filter");
  // Validated without the filters: the server validates them.
  const start = { ...readRecordLimits(extra, []), include: filters };
  return { server, start, silent: extra["silent-errors"] === true };
}
