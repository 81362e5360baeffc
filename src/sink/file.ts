import { closeSync, constants, openSync, type Stats, unlinkSync } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, resolve } from "node:path";
import { sleep } from "../async/abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable, optionsOf } from "../errors/check-options.js";
import { FlowscribeError, OptionsError } from "../errors/errors.js";
import { issueOf } from "../errors/issue.js";
import { codeOf, withoutPath } from "../errors/message.js";
import { aBoolean, aFunction, aString, oneOf, withMethods } from "../errors/value-checks.js";
import { goQuote } from "../go/strconv/quote.js";
import type { Resolution } from "../packet/batch.js";
import type { CaptureWriter } from "../pcap/capture-writer.js";
import { loadCaptureWriter } from "../pcap/load-writer.js";
import { PCAPNG_ADDITIONS, type PcapngAdditions } from "../pcap/pcapng/add/additions.js";
import { annotatedSink, type PacketAnnotator } from "../recorder/annotated-sink.js";
import { recordingFileName } from "../recorder/file-name.js";
import type { OpenSink, PacketSink, SinkRequest } from "../recorder/sink.js";
import { CaptureFile } from "./capture-file.js";
import { makeFolder } from "./make-folder.js";
import { aRotation, createRotatingSink, type FileRotation, rotatedName } from "./rotate.js";

export type { PacketAnnotator } from "../recorder/annotated-sink.js";
export { type KeyLog, type KeyLogOptions, openKeyLog } from "./key-log.js";
export type { FileRotation } from "./rotate.js";

/** Format and rotation of capture files. */
export interface CaptureFileOptions {
  /** `pcap` by default; for {@link namedFileSink}, `pcapng` by default if the name ends in `.pcapng`. */
  readonly fileFormat?: "pcap" | "pcapng";
  /**
   * Unit of the timestamps in a pcap file; `us` by default, as upstream. A pcapng file keeps the unit of each
   * interface.
   */
  readonly resolution?: Resolution;
  /**
   * Splits the recording into several files: `name.pcap` becomes `name_00001_20261122091800.pcap` (number and creation
   * time in UTC), as dumpcap names the files of its ring buffer. Each file can be read on its own. The last one
   * contains the interface statistics (pcapng).
   */
  readonly rotation?: FileRotation;
  /** Called with the path of each completed file of a rotation, except the last, whose path is in the result. */
  readonly onFile?: (path: string) => void;
  /** Adds comments to the packets, such as `createFlowComments()` of `flowscribe/observer`. For pcapng only. */
  readonly comments?: PacketAnnotator;
  /** What the files get besides packets: decryption secrets, names of addresses, descriptions. For pcapng only. */
  readonly additions?: PcapngAdditions;
}

/** Format, rotation and names of capture files. */
export interface FileSinkOptions extends CaptureFileOptions {
  /** Last part of the file name: `<cluster>/<node>`, or `<node>`; the host name by default. */
  readonly nodeName?: string;
  /** Returns a random unsigned 32-bit integer for the file name. */
  readonly random?: () => number;
}

/** Options of {@link namedFileSink}. */
export interface NamedFileOptions extends CaptureFileOptions {
  /** Whether to overwrite an existing file; false by default, which fails if the file exists. */
  readonly overwrite?: boolean;
}

const CAPTURE_FILE_OPTIONS: OptionTable<CaptureFileOptions> = {
  fileFormat: oneOf("pcap", "pcapng"),
  resolution: oneOf("us", "ns"),
  rotation: aRotation,
  onFile: aFunction,
  comments: withMethods<PacketAnnotator>("an object with `annotate`", "annotate"),
  additions: optionsOf("additions", PCAPNG_ADDITIONS),
};

const FILE_SINK_OPTIONS: OptionTable<FileSinkOptions> = {
  ...CAPTURE_FILE_OPTIONS,
  nodeName: aString,
  random: aFunction,
};

const NAMED_FILE_OPTIONS: OptionTable<NamedFileOptions> = { ...CAPTURE_FILE_OPTIONS, overwrite: aBoolean };

/** Owner only, as packets contain private communication. */
const FILE_MODE = 0o600;
/** With O_APPEND, a file that another program truncates stays too short and is not padded with zeros. */
const APPEND = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;
const CREATE = APPEND | constants.O_EXCL;
const OVERWRITE = APPEND | constants.O_TRUNC;
/** As upstream. */
const MAX_NAME_TRIES = 100;

/**
 * Creates a sink that writes each recording to a new file in a folder. The folder is created if necessary. The file is
 * named as Cilium's Recorder names it (see {@link recordingFileName}) and accessible to its owner only. An existing
 * file is never overwritten.
 *
 * Writes are synchronous and unbuffered. If a write fails (disk full), the file is truncated to its last whole record
 * and kept. The recording fails with `sink_failed`; the message says what was kept, and `cause` is the system's error.
 * If the header cannot be written at the start, no file is left. The recording also fails if another program removes,
 * truncates, renames or replaces the file. A successful recording therefore has its packets at the returned path.
 *
 * @throws OptionsError, also for a rotation without `maxBytes` and `maxDurationMs`.
 */
export function fileSink(folder: string, options: FileSinkOptions = {}): OpenSink {
  checkArgument("fileSink", "folder", folder, aString);
  checkOptions("fileSink", options, FILE_SINK_OPTIONS);
  const { rotation, comments } = options;
  checkPcapngOnly(options);
  const open: OpenSink = async (request) => {
    const createWriter = await loadWriter(request, options);
    makeFolder(folder);
    if (rotation === undefined) {
      const { path, descriptor } = createFile(resolve(folder), request, options);
      return begin(new CaptureFile(path, descriptor, createWriter(), request), true);
    }
    const base = resolve(folder, drawName(request, options));
    return createRotation(base, rotation, CREATE, request, options, createWriter);
  };
  return annotatedSink(open, comments);
}

/** A pcap file would lose them silently. */
function checkPcapngOnly(options: CaptureFileOptions): void {
  if (options.fileFormat === "pcapng") return;
  const given = (["comments", "additions"] as const).filter((name) => options[name] !== undefined);
  if (given.length === 0) return;
  throw new OptionsError(given.map((name) => issueOf(name, 'requires the `fileFormat` "pcapng"')));
}

/**
 * Creates a sink that writes each recording to the given path; otherwise like {@link fileSink}, but the folder must
 * exist. Without `fileFormat`, the format is pcapng if the name ends in `.pcapng`, otherwise pcap. Pipes and devices
 * are supported; opening a pipe waits until it has a reader or the recording is aborted.
 *
 * @throws OptionsError as {@link fileSink}.
 */
export function namedFileSink(path: string, options: NamedFileOptions = {}): OpenSink {
  checkArgument("namedFileSink", "path", path, aString);
  checkOptions("namedFileSink", options, NAMED_FILE_OPTIONS);
  const { fileFormat = formatOfName(path), rotation, overwrite = false } = options;
  const files = { ...options, fileFormat };
  checkPcapngOnly(files);
  const open: OpenSink = async (request) => {
    const createWriter = await loadWriter(request, files);
    const base = resolve(path);
    const flags = overwrite ? OVERWRITE : CREATE;
    if (rotation !== undefined) return createRotation(base, rotation, flags, request, files, createWriter);
    const found = await stat(base).catch(() => undefined);
    if (found !== undefined && !found.isFile()) {
      const descriptor = await openSpecial(base, found, request);
      return begin(new CaptureFile(base, descriptor, createWriter(), request), false);
    }
    const descriptor = openFile(base, flags);
    return begin(new CaptureFile(base, descriptor, createWriter(), request), !overwrite);
  };
  return annotatedSink(open, files.comments);
}

function formatOfName(path: string): "pcap" | "pcapng" {
  return basename(path).endsWith(".pcapng") ? "pcapng" : "pcap";
}

/** Interval between checks whether a pipe has a reader. */
const PIPE_INTERVAL_MS = 50;

/** Opens a pipe or device. Polls a pipe without a reader, as opening it would block the process. */
async function openSpecial(path: string, found: Stats, { clock, signal }: SinkRequest): Promise<number> {
  if (found.isDirectory()) throw createFailed(path, new Error("is a directory"));
  if (!found.isFIFO()) return openFile(path, constants.O_WRONLY);
  for (;;) {
    signal?.throwIfAborted();
    const descriptor = openReadPipe(path);
    if (descriptor !== undefined) return descriptor;
    await sleep(PIPE_INTERVAL_MS, clock, signal);
  }
}

/** Returns undefined if the pipe has no reader. */
function openReadPipe(path: string): number | undefined {
  let probe: number;
  try {
    probe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENXIO") return undefined;
    throw createFailed(path, error);
  }
  try {
    // Open a blocking descriptor before closing the probe, so that the reader does not see the pipe closed.
    return openFile(path, constants.O_WRONLY);
  } finally {
    closeSync(probe);
  }
}

function begin(file: CaptureFile, isNew: boolean): PacketSink {
  beginOrRemove(file, isNew);
  return {
    filePath: file.path,
    write: (batch) => file.write(batch),
    close: async (stats) => {
      file.end(stats);
      return { filePath: file.path };
    },
    abort: async () => file.abort(),
  };
}

/** As upstream, a recording that fails to start leaves no file. */
function beginOrRemove(file: CaptureFile, isNew: boolean): void {
  try {
    file.begin();
  } catch (error) {
    file.abort();
    if (isNew) unlinkSync(file.path);
    throw error;
  }
}

function createRotation(
  base: string,
  rotation: FileRotation,
  flags: number,
  request: SinkRequest,
  { onFile }: CaptureFileOptions,
  createWriter: () => CaptureWriter,
): PacketSink {
  return createRotatingSink({
    rotation,
    storage: request.storage,
    open: (number) => {
      const path = rotatedName(base, number, request.clock.now());
      const file = new CaptureFile(path, openFile(path, flags), createWriter(), request);
      beginOrRemove(file, flags === CREATE);
      return file;
    },
    onFile,
  });
}

function loadWriter(
  { interfaces, snapLength }: SinkRequest,
  { fileFormat = "pcap", resolution = "us", additions }: CaptureFileOptions,
): Promise<() => CaptureWriter> {
  const format = { fileFormat, resolution, snapLength, interfaces };
  return loadCaptureWriter(additions === undefined ? format : { ...format, additions });
}

/** Tries random names until one is free. */
function createFile(
  folder: string,
  request: SinkRequest,
  options: FileSinkOptions,
): { path: string; descriptor: number } {
  for (let tries = 1; ; tries++) {
    const path = resolve(folder, drawName(request, options));
    try {
      return { path, descriptor: openSync(path, CREATE, FILE_MODE) };
    } catch (error) {
      if (codeOf(error) === "EEXIST" && tries < MAX_NAME_TRIES) continue;
      throw createFailed(path, error);
    }
  }
}

function drawName(
  { filePrefix, clock }: SinkRequest,
  { nodeName = hostname(), fileFormat = "pcap", random = randomUint32 }: FileSinkOptions,
): string {
  return recordingFileName({
    prefix: filePrefix,
    nowMs: clock.now(),
    random: random(),
    nodeName,
    extension: fileFormat,
  });
}

function openFile(path: string, flags: number): number {
  try {
    return openSync(path, flags, FILE_MODE);
  } catch (error) {
    throw createFailed(path, error, codeOf(error) === "EEXIST" ? "; `overwrite` replaces it" : "");
  }
}

function createFailed(path: string, cause: unknown, advice = ""): FlowscribeError {
  const text = `failed to create pcap file ${goQuote(path)}: ${withoutPath(cause)}${advice}`;
  return new FlowscribeError("sink_failed", text, { cause });
}

function randomUint32(): number {
  return Math.floor(Math.random() * 2 ** 32);
}
