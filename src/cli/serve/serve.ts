import { hostname } from "node:os";
import { untilAborted } from "../../async/abort.js";
import { createRecorderService } from "../../recorder/service.js";
import {
  folderBytes,
  formatMetrics,
  METRICS_CONTENT_TYPE,
  openRecorderServer,
  type RecorderServer,
  readServerTls,
  type ServerTls,
} from "../../rpc/index.js";
import { fileSink } from "../../sink/file.js";
import { makeFolder } from "../../sink/make-folder.js";
import { errorText } from "../error-text.js";
import { EXIT, type ExitCode } from "../exit-code.js";
import { type HttpServer, openHttpServer } from "../io/http-server.js";
import type { Io } from "../io/io.js";
import { type OpenDevice, openDevice } from "../record/packets/open-device.js";
import { isAllowed, listenAddress } from "./access.js";
import { createLog, type Log } from "./log.js";
import { type LoggedService, loggedService } from "./logged-service.js";
import type { ServeOptions } from "./options.js";
import { renewTls } from "./renew-tls.js";

/**
 * Serves recordings until the signal of the io is aborted. Running recordings are then stopped gracefully, and their
 * clients get `stopped`.
 *
 * @throws FlowscribeError if the device cannot be captured from; Error for an invalid address, file or certificate.
 */
export async function serve(
  options: ServeOptions,
  io: Io,
  openSource: OpenDevice = openDevice,
): Promise<ExitCode> {
  const log = createLog(io);
  const address = await listenAddress(options);
  const tls = options.tls && (await readServerTls(options.tls));
  // Report problems that would fail every recording now, not to the first client.
  makeFolder(options.folder);
  await probe(options, openSource, io.signal);
  if (io.signal.aborted) return EXIT.ok;

  const service = createService(options, io, log, openSource);
  await using metrics = options.metrics && (await openMetrics(options.metrics, service));
  await using server = await openServer(address, service, options, tls);
  log("info", "listening", { address: server.address, ...accessFields(options) });
  if (metrics !== undefined) log("info", "metrics-listening", { address: `${metrics.url}/metrics` });
  const endRenewal = options.tls && tls ? renewTls(server, options.tls, tls, io.clock, log) : () => {};

  await untilAborted(io.signal);
  endRenewal();
  const { running } = service.counters;
  log("info", "shutting-down", { recordings: running });
  const { shutdownTimeoutMs } = options;
  await server.close(shutdownTimeoutMs === undefined ? {} : { graceMs: shutdownTimeoutMs });
  log("info", "stopped");
  return EXIT.ok;
}

/** Opens and closes the device once. */
async function probe({ capture }: ServeOptions, openSource: OpenDevice, signal: AbortSignal): Promise<void> {
  try {
    const source = await openSource(capture, {}, signal);
    await source[Symbol.asyncDispose]();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function createService(
  options: ServeOptions,
  { clock }: Io,
  log: Log,
  openSource: OpenDevice,
): LoggedService {
  const { capture, folder, fileFormat, nodeName = hostname(), limits } = options;
  const service = createRecorderService({
    nodeName,
    openSource: (start, { signal }) => openSource(capture, start, signal),
    openSink: fileSink(folder, { nodeName, fileFormat, resolution: capture.precision }),
    storedBytes: () => folderBytes(folder),
    authorize: (request) => {
      const allowed = isAllowed(request, options);
      logged.noteRequest(request, allowed);
      return allowed;
    },
    limits,
    clock,
  });
  const logged = loggedService(service, log);
  return logged;
}

async function openMetrics(
  where: NonNullable<ServeOptions["metrics"]>,
  service: LoggedService,
): Promise<HttpServer> {
  try {
    return await openHttpServer(where, {
      "/metrics": () => ({ contentType: METRICS_CONTENT_TYPE, body: formatMetrics(service.counters) }),
    });
  } catch (error) {
    throw cannotListen(`${where.host}:${where.port}`, error);
  }
}

async function openServer(
  address: string,
  service: LoggedService,
  { socketMode, health, reflection }: ServeOptions,
  tls: ServerTls | undefined,
): Promise<RecorderServer> {
  try {
    return await openRecorderServer(address, service, {
      ...(tls && { tls }),
      ...(socketMode !== undefined && { socketMode }),
      health,
      reflection,
    });
  } catch (error) {
    throw cannotListen(address, error);
  }
}

/** Adds the address, which is not in every system error. */
function cannotListen(address: string, error: unknown): Error {
  return new Error(`cannot listen on ${address}: ${errorText(error)}`, { cause: error });
}

function accessFields({ capture, folder, tls, allowIdentities, allowAnyone }: ServeOptions) {
  return {
    device: capture.device,
    source: capture.source,
    folder,
    tls: tls !== undefined,
    clientCertificates: tls !== undefined && tls.clientCaFiles.length > 0,
    allowIdentities: allowIdentities && [...allowIdentities],
    allowAnyone,
  };
}
