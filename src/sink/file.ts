import { closeSync, constants, openSync, type Stats, unlinkSync } from "node:fs";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, resolve } from "node:path";
import { sleep } from "../async/abort.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { FlowscribeError } from "../errors/errors.js";
import { codeOf, withoutPath } from "../errors/message.js";
import { aBoolean, aFunction, aString, oneOf } from "../errors/value-checks.js";
import { goQuote } from "../go/quote.js";
import type { Resolution } from "../packet/batch.js";
import type { CaptureEncoder } from "../pcap/encoder.js";
import { createPcapEncoder } from "../pcap/pcap-encode.js";
import { recordingFileName } from "../recorder/file-name.js";
import type { OpenSink, PacketSink, SinkRequest } from "../recorder/sink.js";
import { CaptureFile } from "./capture-file.js";
import { makeFolder } from "./make-folder.js";
import {
  aRotation,
  createRotatingSink,
  type FileRotation,
  pcapLength,
  pcapngLength,
  rotatedName,
} from "./rotate.js";

export type { FileRotation } from "./rotate.js";

/** What is in the files, and when the next one begins. */
export interface CaptureFileOptions {
  /** `pcap` by default; that of {@link namedFileSink} is `pcapng` for a name that ends in `.pcapng`. */
  readonly fileFormat?: "pcap" | "pcapng";
  /** Unit of the times in a pcap file, `us` by default as upstream; pcapng keeps that of each interface. */
  readonly resolution?: Resolution;
  /**
   * Go on in further files: `name.pcap` becomes `name_00001_20261122091800.pcap` (number and time of its making, UTC), as
   * dumpcap names the files of its ring buffer. Each can be read alone. Counts of the interfaces (pcapng) are in the last.
   */
  readonly rotation?: FileRotation;
  /** Told the path of each file of a rotation that is complete, except the last, which the result tells. */
  readonly onFile?: (path: string) => void;
}

/** How the files are named and what is in them. */
export interface FileSinkOptions extends CaptureFileOptions {
  /** The last part of the file's name: `<cluster>/<node>`, or `<node>`; the host's name by default. */
  readonly nodeName?: string;
  /** A fresh 32-bit number for the file's name. */
  readonly random?: () => number;
}

/** {@link namedFileSink}. */
export interface NamedFileOptions extends CaptureFileOptions {
  /** Write over what is there; without it an existing file is refused. */
  readonly overwrite?: boolean;
}

const CAPTURE_FILE_OPTIONS: OptionTable<CaptureFileOptions> = {
  fileFormat: oneOf("pcap", "pcapng"),
  resolution: oneOf("us", "ns"),
  rotation: aRotation,
  onFile: aFunction,
};

const FILE_SINK_OPTIONS: OptionTable<FileSinkOptions> = {
  ...CAPTURE_FILE_OPTIONS,
  nodeName: aString,
  random: aFunction,
};

const NAMED_FILE_OPTIONS: OptionTable<NamedFileOptions> = { ...CAPTURE_FILE_OPTIONS, overwrite: aBoolean };

/** Owner only: packets are other people's conversations. */
const FILE_MODE = 0o600;
/** With O_APPEND a file that another program truncates stays too short, instead of filling up with zeros. */
const APPEND = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;
const CREATE = APPEND | constants.O_EXCL;
const OVERWRITE = APPEND | constants.O_TRUNC;
/** As upstream. */
const MAX_NAME_TRIES = 100;

/**
 * A sink that writes each recording into a new file of a folder, which is made if need be, under the name that Cilium's
 * Recorder gives (see {@link recordingFileName}), readable for its owner only. An existing file is never written to.
 *
 * Writes go straight to the file, without a buffer of ours and without waiting in the event loop. When one fails (disk
 * full), the file is cut back to its last whole record and stays; the recording fails with `sink_failed`, whose message
 * says so and whose `cause` is the system's error. A recording whose header cannot be written at its start leaves no file.
 * A file that another program removes, truncates, renames or replaces fails the recording likewise, so that a recording that
 * succeeds has its packets at the path that it returns.
 *
 * @throws OptionsError, also for a rotation that would never begin another file.
 */
export function fileSink(folder: string, options: FileSinkOptions = {}): OpenSink {
  checkArgument("fileSink", "folder", folder, aString);
  checkOptions("fileSink", options, FILE_SINK_OPTIONS);
  const { rotation } = options;
  return async (request) => {
    const encoders = await encoderFactory(request, options);
    makeFolder(folder);
    if (rotation === undefined) {
      const { path, descriptor } = createFile(resolve(folder), request, options);
      return begin(new CaptureFile(path, descriptor, encoders(), request), true);
    }
    const base = resolve(folder, drawName(request, options));
    return createRotation(base, rotation, CREATE, request, options, encoders);
  };
}

/**
 * A sink that writes each recording to the file of this name, likewise: pcapng without a `fileFormat` when the name ends in
 * `.pcapng`, else pcap. Pipes and devices can be written to, too; a pipe is waited for until somebody reads it, or the
 * recording is aborted.
 *
 * @throws OptionsError as {@link fileSink}.
 */
export function namedFileSink(path: string, options: NamedFileOptions = {}): OpenSink {
  checkArgument("namedFileSink", "path", path, aString);
  checkOptions("namedFileSink", options, NAMED_FILE_OPTIONS);
  const { fileFormat = formatOfName(path), rotation, overwrite = false } = options;
  const files = { ...options, fileFormat };
  return async (request) => {
    const encoders = await encoderFactory(request, files);
    const base = resolve(path);
    const flags = overwrite ? OVERWRITE : CREATE;
    if (rotation !== undefined) return createRotation(base, rotation, flags, request, files, encoders);
    const found = await stat(base).catch(() => undefined);
    if (found !== undefined && !found.isFile()) {
      const descriptor = await openSpecial(base, found, request);
      return begin(new CaptureFile(base, descriptor, encoders(), request), false);
    }
    const descriptor = openFile(base, flags);
    return begin(new CaptureFile(base, descriptor, encoders(), request), !overwrite);
  };
}

function formatOfName(path: string): "pcap" | "pcapng" {
  return basename(path).endsWith(".pcapng") ? "pcapng" : "pcap";
}

/** How often it is looked whether somebody has begun to read a pipe. */
const PIPE_INTERVAL_MS = 50;

/** Opens what is no file. A pipe that nobody reads would block whoever opens it: it is asked again and again. */
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

/** Undefined while nobody reads it. */
function openReadPipe(path: string): number | undefined {
  let probe: number;
  try {
    probe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENXIO") return undefined;
    throw createFailed(path, error);
  }
  try {
    // One whose writes wait; the reader must not see the pipe closed in between.
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

/** As upstream: a recording that has not started leaves no file. */
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
  { fileFormat, onFile }: CaptureFileOptions,
  encoders: () => CaptureEncoder,
): PacketSink {
  return createRotatingSink({
    rotation,
    storage: request.storage,
    open: (number) => {
      const path = rotatedName(base, number, request.clock.now());
      const file = new CaptureFile(path, openFile(path, flags), encoders(), request);
      beginOrRemove(file, flags === CREATE);
      return file;
    },
    lengthOf: fileFormat === "pcapng" ? pcapngLength : pcapLength,
    onFile,
  });
}

/** What makes an encoder for each file; loaded before the first, so that later ones need not be waited for. */
async function encoderFactory(
  { interfaces, snapLength }: SinkRequest,
  { fileFormat = "pcap", resolution = "us" }: CaptureFileOptions,
): Promise<() => CaptureEncoder> {
  if (fileFormat === "pcap") return () => createPcapEncoder({ resolution, snapLength }, true);
  const { createPcapngEncoder } = await import("../pcap/pcapng-encode.js");
  return () => createPcapngEncoder(interfaces, { snapLength });
}

/** Draws name after name until one is free. */
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
