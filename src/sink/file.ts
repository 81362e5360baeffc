import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { FlowscribeError } from "../errors.js";
import { goQuote } from "../go-quote.js";
import type { PacketBatch, Resolution } from "../packet/batch.js";
import type { CaptureInterface } from "../packet/source.js";
import { type CaptureEncoder, interfaceOf, settledInterface } from "../pcap/encoder.js";
import { createPcapEncoder } from "../pcap/pcap-encode.js";
import { recordingFileName } from "../recorder/file-name.js";
import type { OpenSink, PacketSink, SinkRequest } from "../recorder/sink.js";

/** How the files are named and what is in them. */
export interface FileSinkOptions {
  /** The last part of the file's name: `<cluster>/<node>`, or `<node>`; the host's name by default. */
  readonly nodeName?: string;
  readonly fileFormat?: "pcap" | "pcapng";
  /** Unit of the times in a pcap file, `us` by default as upstream; pcapng keeps that of each interface. */
  readonly resolution?: Resolution;
  /** A fresh 32-bit number for the file's name. */
  readonly random?: () => number;
}

/** Owner only: packets are other people's conversations. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** As upstream. */
const MAX_NAME_TRIES = 100;

/**
 * A sink that writes each recording into a new file of a folder, which is made if need be, under the name that Cilium's
 * Recorder gives (see {@link recordingFileName}), readable for its owner only. An existing file is never written to.
 *
 * Writes go straight to the file, without a buffer of ours and without waiting in the event loop. When one fails (disk
 * full), the file is cut back to its last whole record and stays; the recording fails with `sink_failed`, whose message
 * says so and whose `cause` is the system's error. A recording whose header cannot be written at its start leaves no file.
 */
export function fileSink(folder: string, options: FileSinkOptions = {}): OpenSink {
  return async (request) => {
    const encoder = await createEncoder(request, options);
    makeFolder(folder);
    const { path, descriptor } = createFile(resolve(folder), request, options);
    const sink = new FileSink(path, descriptor, encoder, request);
    try {
      sink.begin();
    } catch (error) {
      // As upstream: a recording that has not started leaves no file.
      await sink.abort();
      unlinkSync(path);
      throw error;
    }
    return sink;
  };
}

async function createEncoder(
  { interfaces, snapLength }: SinkRequest,
  { fileFormat = "pcap", resolution = "us" }: FileSinkOptions,
): Promise<CaptureEncoder> {
  if (fileFormat === "pcap") return createPcapEncoder({ resolution, snapLength }, true);
  const { createPcapngEncoder } = await import("../pcap/pcapng-encode.js");
  return createPcapngEncoder(interfaces, { snapLength });
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  } catch (error) {
    throw new FlowscribeError("sink_failed", `failed to create storage path directory: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Draws name after name until one is free. */
function createFile(
  folder: string,
  { filePrefix, clock }: SinkRequest,
  { nodeName = hostname(), fileFormat = "pcap", random = randomUint32 }: FileSinkOptions,
): { path: string; descriptor: number } {
  for (let tries = 1; ; tries++) {
    const name = recordingFileName({
      prefix: filePrefix,
      nowMs: clock.now(),
      random: random(),
      nodeName,
      extension: fileFormat,
    });
    const path = resolve(folder, name);
    try {
      return { path, descriptor: openSync(path, "wx+", FILE_MODE) };
    } catch (error) {
      if (codeOf(error) === "EEXIST" && tries < MAX_NAME_TRIES) continue;
      throw new FlowscribeError(
        "sink_failed",
        `failed to create pcap file ${goQuote(path)}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}

class FileSink implements PacketSink {
  readonly #path: string;
  readonly #encoder: CaptureEncoder;
  readonly #request: SinkRequest;
  #descriptor: number | undefined;
  /** Bytes of the file; all of them whole records. */
  #length = 0;
  #begun = false;

  constructor(path: string, descriptor: number, encoder: CaptureEncoder, request: SinkRequest) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#encoder = encoder;
    this.#request = request;
  }

  get filePath(): string {
    return this.#path;
  }

  /** Writes the header as soon as it is known. */
  begin(): void {
    const settled = settledInterface(this.#request.interfaces);
    if (settled !== undefined) this.#beginFrom(settled);
  }

  write(batch: PacketBatch): void {
    this.#beginWith(batch);
    this.#append(this.#encoder.encode(batch), this.#encoder.wholeRecords);
  }

  async close(stats: Parameters<PacketSink["close"]>[0]): Promise<{ filePath: string }> {
    this.#beginWith(undefined);
    this.#append(this.#encoder.end(stats), this.#encoder.wholeRecords);
    this.#close();
    return { filePath: this.#path };
  }

  async abort(): Promise<void> {
    try {
      try {
        this.#beginWith(undefined);
      } finally {
        this.#close();
      }
    } catch {
      // The recording already fails, for a reason that matters more.
    }
  }

  #beginWith(batch: PacketBatch | undefined): void {
    if (!this.#begun) this.#beginFrom(interfaceOf(this.#request.interfaces, batch?.format));
  }

  #beginFrom(first: CaptureInterface): void {
    this.#begun = true;
    this.#append(this.#encoder.begin(first), () => 0);
  }

  /** @param wholeRecords How much of what was written is worth keeping when the rest fails. */
  #append(chunk: Uint8Array, wholeRecords: CaptureEncoder["wholeRecords"]): void {
    if (this.#descriptor === undefined) throw new TypeError("the file is closed");
    let written = 0;
    try {
      while (written < chunk.length) {
        written += writeSync(this.#descriptor, chunk, written, chunk.length - written);
      }
    } catch (error) {
      throw this.#cutBack(this.#descriptor, this.#length + wholeRecords(chunk, written), error);
    }
    this.#length += chunk.length;
  }

  #cutBack(descriptor: number, length: number, cause: unknown): FlowscribeError {
    let state =
      length === 0
        ? "the file is cut back to nothing"
        : `the file is cut back to its last whole record, ${length} bytes`;
    try {
      ftruncateSync(descriptor, length);
    } catch (error) {
      state = `cutting the file back to its last whole record, ${length} bytes, failed as well: ${messageOf(error)}`;
    }
    return new FlowscribeError("sink_failed", `write ${this.#path}: ${messageOf(cause)}; ${state}`, {
      cause,
    });
  }

  #close(): void {
    const descriptor = this.#descriptor;
    if (descriptor === undefined) return;
    this.#descriptor = undefined;
    try {
      closeSync(descriptor);
    } catch (error) {
      throw new FlowscribeError("sink_failed", `close ${this.#path}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function randomUint32(): number {
  return Math.floor(Math.random() * 2 ** 32);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
