import { FlowscribeError } from "../../errors/errors.js";
import type { ValuesOf } from "../../observer/flags/flag-values.js";
import { completeLimits, type RecorderLimits } from "../../recorder/service/limits.js";
import { parseTarget, type Target } from "../../rpc/target.js";
import { UsageError } from "../error-text.js";
import { readCaptureOptions } from "../flags/capture-flags.js";
import type { CaptureFormat } from "../flags/format-flags.js";
import { readFlags } from "../flags/read-flags.js";
import { parseSize } from "../flags/size.js";
import { type HttpAddress, readHttpAddress } from "../io/http-server.js";
import type { DeviceOptions } from "../record/packets/open-device.js";
import { SERVE_FLAGS } from "./flags.js";

/** The options of `serve`, as parsed from its command line. */
export interface ServeOptions {
  /** Where the packets of all recordings are captured. */
  readonly capture: DeviceOptions;
  readonly folder: string;
  readonly fileFormat: CaptureFormat;
  /** Undefined for the host name. */
  readonly nodeName: string | undefined;
  readonly listen: Target;
  readonly socketMode: number | undefined;
  readonly tls: ServerTlsFiles | undefined;
  readonly metrics: HttpAddress | undefined;
  readonly health: boolean;
  readonly reflection: boolean;
  readonly shutdownTimeoutMs: number | undefined;
  /** Names in client certificates that may record; undefined for any client. */
  readonly allowIdentities: ReadonlySet<string> | undefined;
  readonly allowAnyone: boolean;
  readonly limits: RecorderLimits;
}

export interface ServerTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFiles: readonly string[];
}

type Values = ValuesOf<typeof SERVE_FLAGS>;

/**
 * Parses the arguments of `serve`; undefined if they request help.
 *
 * @throws FlagError, UsageError.
 */
export function readServeOptions(args: readonly string[]): ServeOptions | undefined {
  const { values, positionals } = readFlags(args, SERVE_FLAGS);
  if (values.help === true) return undefined;
  if (positionals.length > 0) {
    throw new UsageError(
      `unexpected arguments: ${positionals.join(" ")}; set the device with -i, the directory with --folder and the address with --listen`,
    );
  }
  const { listen, folder, format: fileFormat = "pcap" } = values;
  const capture = readCapture(values, fileFormat);
  if (folder === undefined || folder === "") {
    throw new UsageError("no output directory: set --folder");
  }
  if (listen === undefined) {
    throw new UsageError("no address to listen on: set --listen to host:port or unix:///path");
  }
  const tls = readTls(values);
  return {
    capture,
    folder,
    fileFormat,
    nodeName: values.node,
    ...readListen(listen, values["socket-mode"], tls),
    tls,
    metrics: readMetrics(values["metrics-listen"]),
    health: values.health ?? true,
    reflection: values.reflection ?? true,
    shutdownTimeoutMs: readDuration("shutdown-timeout", values["shutdown-timeout"]),
    ...readAccess(values, tls),
    limits: readLimits(values),
  };
}

function readCapture(values: Values, fileFormat: ServeOptions["fileFormat"]): DeviceOptions {
  const { device } = values;
  if (device === undefined) {
    throw new UsageError("no device: set -i (flowscribe record --list-devices prints the devices)");
  }
  const { precision = fileFormat === "pcap" ? "us" : "ns" } = values;
  return { device, ...readCaptureOptions(values), precision };
}

function readTls(values: Values): ServerTlsFiles | undefined {
  const certFile = values["tls-cert-file"];
  const keyFile = values["tls-key-file"];
  const clientCaFiles = values["tls-client-ca-files"] ?? [];
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFiles };
  if (certFile !== undefined || keyFile !== undefined) {
    throw new UsageError("--tls-cert-file and --tls-key-file need each other");
  }
  if (clientCaFiles.length > 0) {
    throw new UsageError("--tls-client-ca-files needs --tls-cert-file and --tls-key-file");
  }
  return undefined;
}

function readListen(
  text: string,
  mode: string | undefined,
  tls: ServerTlsFiles | undefined,
): Pick<ServeOptions, "listen" | "socketMode"> {
  const listen = readTarget(text);
  const socketMode = readMode(mode);
  if (listen.kind === "unix") return { listen, socketMode };
  // Clients default to port 443; a server has no default port.
  if (!text.endsWith(`:${listen.port}`))
    throw new UsageError(`invalid --listen: ${text}, expected host:port`);
  if (listen.tls && tls === undefined) {
    throw new UsageError(`${text} needs --tls-cert-file and --tls-key-file`);
  }
  if (socketMode !== undefined) throw new UsageError("--socket-mode needs --listen unix:///path");
  return { listen, socketMode };
}

function readMetrics(text: string | undefined): ServeOptions["metrics"] {
  return text === undefined ? undefined : readHttpAddress("--metrics-listen", text);
}

function readTarget(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    if (error instanceof FlowscribeError) throw new UsageError(error.message);
    throw error;
  }
}

const MODE = /^0?[0-7]{3}$/;

function readMode(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!MODE.test(text))
    throw new UsageError(`invalid --socket-mode: ${text}, expected octal digits such as 0660`);
  return Number.parseInt(text, 8);
}

/** Rejects access flags that would have no effect, as ignoring them would be dangerous. */
function readAccess(
  values: Values,
  tls: ServerTlsFiles | undefined,
): Pick<ServeOptions, "allowIdentities" | "allowAnyone"> {
  const names = values["allow-identity"];
  const allowAnyone = values["allow-anyone"] === true;
  const checksClients = tls !== undefined && tls.clientCaFiles.length > 0;
  if (names !== undefined && !checksClients) {
    throw new UsageError("--allow-identity requires --tls-client-ca-files");
  }
  if (allowAnyone && (names !== undefined || checksClients)) {
    const other = names === undefined ? "--tls-client-ca-files" : "--allow-identity";
    throw new UsageError(`cannot set both --allow-anyone and ${other}`);
  }
  return { allowIdentities: names && new Set(names), allowAnyone };
}

function readLimits(values: Values): RecorderLimits {
  const messageSize = values["max-message-bytes"];
  const storedSize = values["max-stored-bytes"];
  const given: { readonly [K in keyof RecorderLimits]: number | undefined } = {
    maxRecordings: readCount("max-recordings", values["max-recordings"]),
    maxCalls: readCount("max-calls", values["max-calls"]),
    maxFilters: readCount("max-filters", values["max-filters"]),
    maxMessageBytes: messageSize === undefined ? undefined : parseSize("max-message-bytes", messageSize),
    maxStoredBytes: storedSize === undefined ? undefined : parseSize("max-stored-bytes", storedSize),
    startTimeoutMs: readDuration("start-timeout", values["start-timeout"]),
    readTimeoutMs: readDuration("read-timeout", values["read-timeout"]),
  };
  return completeLimits(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
}

function readCount(flag: string, count: bigint | undefined): number | undefined {
  if (count === 0n) throw new UsageError(`--${flag} must be at least 1`);
  return count === undefined ? undefined : Number(count);
}

function readDuration(flag: string, milliseconds: number | undefined): number | undefined {
  if (milliseconds !== undefined && milliseconds <= 0) throw new UsageError(`--${flag} must be above 0`);
  return milliseconds;
}
