import { toJsonString } from "@bufbuild/protobuf";
import { type ServerStatusResponse, ServerStatusResponseSchema } from "../../gen/observer/observer_pb.js";
import type { HubbleVersion } from "../../hubble/version.js";
import { formatServerStatus, OUTPUT_FORMATS, type OutputFormat } from "../../observer/index.js";
import { RpcError, type RpcTransport } from "../../rpc/index.js";
import { firstCallError, type OpenedServer, openServer, statusAndVersion } from "../client/connect.js";
import { checkHealth } from "../client/health.js";
import { readServerOptions, type ServerOptions } from "../client/options.js";
import type { Command } from "../command.js";
import { UsageError } from "../error-text.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { CLIENT_FLAGS, CLIENT_GROUP } from "../flags/client-flags.js";
import { HELP_FLAG } from "../flags/common-flags.js";
import { findHubbleVersion, HUBBLE_VERSION_FLAG, versionOfServer } from "../flags/hubble-version.js";
import { readFlags } from "../flags/read-flags.js";
import { formatHelp, helpColumns } from "../help.js";
import { interruptionCode } from "../io/interruption.js";
import type { Io } from "../io/io.js";
import { createMessages } from "../io/messages.js";

export const STATUS_FLAGS = [
  {
    name: "output",
    shorthand: "o",
    value: "string",
    placeholder: "FORMAT",
    group: "Output",
    choices: OUTPUT_FORMATS,
    default: "compact",
    help: "Output format.",
  },
  ...CLIENT_FLAGS,
  HUBBLE_VERSION_FLAG,
  HELP_FLAG,
] as const;

/** The server behind a `kubectl port-forward` to Relay, as in the Hubble CLI. */
const DEFAULT_SERVER = "localhost:4245";

/** `flowscribe status`: like `hubble status`. */
export const statusCommand: Command = {
  name: "status",
  help: {
    usage: ["status [FLAGS]"],
    text: [
      "Print the status of a Hubble server or Relay, like hubble status.",
      `The default server is ${DEFAULT_SERVER}, unless HUBBLE_SERVER is set.`,
    ],
    examples: [
      { what: "Relay, through kubectl port-forward", command: "flowscribe status -P" },
      {
        what: "the agent of this node, one value per line",
        command: "flowscribe status --server unix:///var/run/cilium/hubble.sock -o dict",
      },
      {
        what: "with a client certificate",
        command:
          "flowscribe status --server tls://relay.example.com:443 --tls-client-cert-file me.crt --tls-client-key-file me.key",
      },
    ],
    groups: ["Output", CLIENT_GROUP],
  },
  flags: STATUS_FLAGS,

  async run(args, io) {
    const { values, positionals } = readFlags(args, STATUS_FLAGS);
    const { help, output: outputName = "compact", "hubble-version": _, ...serverFlags } = values;
    if (help === true) {
      await io.stdout.write(formatHelp(statusCommand, helpColumns(io.stdout)));
      return EXIT.ok;
    }
    const output = OUTPUT_FORMATS.find((known) => known === outputName);
    if (output === undefined) throw new UsageError(`invalid output format: ${outputName}`);
    if (positionals.length > 0) {
      throw new UsageError(
        `unexpected arguments: ${positionals.join(" ")}; set the address of the server with --server`,
      );
    }
    // Never undefined, as there is a default server.
    const server = readServerOptions(serverFlags, io, DEFAULT_SERVER)!;
    return showStatus(server, { output, hubble: findHubbleVersion(args, STATUS_FLAGS, io) }, io);
  },
};

interface StatusFormat {
  readonly output: OutputFormat;
  /** Undefined for the version of the server. */
  readonly hubble: HubbleVersion | undefined;
}

async function showStatus(wanted: ServerOptions, format: StatusFormat, io: Io): Promise<ExitCode> {
  try {
    await using opened = await openServer(wanted, io, createMessages(io));
    await printStatus(opened, format, io);
    return EXIT.ok;
  } catch (error) {
    const interrupted = interruptionCode(io.signal);
    if (interrupted !== undefined) return interrupted;
    throw error;
  }
}

async function printStatus(
  { transport, server }: OpenedServer,
  { output, hubble }: StatusFormat,
  io: Io,
): Promise<void> {
  const { signal, stdout } = io;
  const { address, requestTimeout } = server;
  const call = { timeoutMs: requestTimeout.ms, signal };
  try {
    const health = await checkHealth(transport, call);
    if (health !== undefined && output === "compact") {
      await stdout.write(`Healthcheck (via ${address}): ${health.text}\n`);
    }
    if (health?.isHealthy === false) throw new Error(`${address}: not healthy`);
    const reported = await statusUnlessRecorder(transport, call, health !== undefined);
    if (reported === undefined) return createMessages(io).report(`${address} is a server without flows`);
    const { status, version } = reported;
    await stdout.write(`${formatStatus(status, output, hubble ?? versionOfServer(version))}\n`);
  } catch (error) {
    throw firstCallError(server, error);
  }
}

/** A recorder (`flowscribe serve`) may be healthy, but does not report flows. */
async function statusUnlessRecorder(
  transport: RpcTransport,
  call: Parameters<typeof statusAndVersion>[1],
  isHealthy: boolean,
): Promise<Awaited<ReturnType<typeof statusAndVersion>> | undefined> {
  try {
    return await statusAndVersion(transport, call);
  } catch (error) {
    if (isHealthy && error instanceof RpcError && error.status === "UNIMPLEMENTED") return undefined;
    throw error;
  }
}

function formatStatus(
  status: ServerStatusResponse,
  output: OutputFormat,
  hubble: HubbleVersion | undefined,
): string {
  if (output !== "json" && output !== "jsonpb") return formatServerStatus(status, { output, hubble });
  return toJsonString(ServerStatusResponseSchema, status, { useProtoFieldName: true });
}
