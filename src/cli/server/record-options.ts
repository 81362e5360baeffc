import { parseFlowFlags } from "../../observer/flags/parse.js";
import type { StartRecordingInit } from "../../recorder/start.js";
import { UsageError } from "../error-text.js";
import type { Io } from "../io.js";
import { parseFilterArguments } from "../record/filter-arguments.js";
import { ALL_RECORD_FLAGS, RECORD_FLAGS } from "../record/flags.js";
import { readRecordLimits } from "../record/limits.js";
import { fromTcpdumpFlags } from "../record/tcpdump-flags.js";
import { SERVER_FLAGS } from "./flags.js";
import { readServerOptions, type ServerOptions } from "./options.js";

/** A recording that a server is asked for. */
export interface RemoteRecordOptions {
  readonly server: ServerOptions;
  readonly start: StartRecordingInit;
  readonly silent: boolean;
}

const FLAGS = [...RECORD_FLAGS, ...SERVER_FLAGS] as const;

/** Flags of `record` that mean something to a server: all that `hubble record` has. */
const REMOTE_FLAGS: ReadonlySet<string> = new Set([
  "file-prefix",
  "max-capture-len",
  "packet-limit",
  "bytes-limit",
  "time-limit",
  "silent-errors",
  ...SERVER_FLAGS.map(({ name }) => name),
]);

/** Flags that say that something is to be done here, whatever the environment says of a server. */
const LOCAL_FLAGS = ["help", "device", "read", "list-devices", "print-program"] as const;

/**
 * What a command line of `record` asks of a server; undefined when it asks for none.
 *
 * @throws FlagError, UsageError, ConfigurationError. The server finds the faults in prefixes.
 */
export function readRemoteRecordOptions(args: readonly string[], io: Io): RemoteRecordOptions | undefined {
  const ownArgs = fromTcpdumpFlags(args, [...ALL_RECORD_FLAGS, ...SERVER_FLAGS]);
  const { extra, positionals, allow, deny, ...selection } = parseFlowFlags(ownArgs, {
    extra: FLAGS,
    now: () => io.clock.now(),
  });
  const isLocal = LOCAL_FLAGS.some((name) => extra[name] !== undefined);
  if (extra.help === true) return undefined;
  const server = readServerOptions(extra, isLocal ? { env: {} } : io);
  if (server === undefined) return undefined;
  const given = Object.keys(extra).find((name) => !REMOTE_FLAGS.has(name));
  if (given !== undefined) throw new UsageError(`cannot set both --server and --${given}`);
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
  // Without the filters: the server finds their faults, and those of prefixes.
  const start = { ...readRecordLimits(extra, []), include: filters };
  return { server, start, silent: extra["silent-errors"] === true };
}
