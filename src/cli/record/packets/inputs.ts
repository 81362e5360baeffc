import { stat } from "node:fs/promises";
import { copyBatch, type PacketBatch } from "../../../packet/batch.js";
import { type Pull, readBatches } from "../../../packet/source/batch-reader.js";
import { createSource } from "../../../packet/source/create-source.js";
import type { PacketSource } from "../../../packet/source.js";
import { UnsupportedLinkTypes } from "../../../packet/unsupported-link-types.js";
import { type CaptureSource, openCapture } from "../../../pcap/decode.js";
import type { CaptureWarnings } from "../../../pcap/decoder.js";
import { mergeSources } from "../../../pcap/merge.js";
import { openCaptureFile } from "../../../source/file.js";
import { openInput, STANDARD_INPUT } from "../../input/open.js";
import type { InputReport } from "../../input/report.js";
import type { Io } from "../../io/io.js";

/** A capture or device, and the information about its packets that is available once they are read. */
export interface CaptureInput {
  /** Name for messages. */
  readonly name: string;
  /** Undefined for a device. */
  readonly warnings?: CaptureWarnings;
  readonly unsupportedLinkTypes: ReadonlyMap<number, number>;
  /** Counts of what was read that only pcapng files can contain. */
  readonly pcapngOnly?: () => PcapngOnly;
}

export interface PcapngOnly {
  /** Comments of packets and interfaces. */
  readonly comments: number;
  /** Number of interfaces with a name or a description. */
  readonly namedInterfaces: number;
}

/** Several captures as one source. */
export interface OpenedCaptures {
  readonly source: PacketSource;
  readonly inputs: readonly CaptureInput[];
}

/**
 * Opens captures as one source, merged in chronological order. A capture that cannot be opened or read further is
 * reported; the others are read. Undefined if none could be opened.
 */
export async function openCaptures(
  paths: readonly string[],
  io: Io,
  report: InputReport,
): Promise<OpenedCaptures | undefined> {
  const sources: PacketSource[] = [];
  const inputs: CaptureInput[] = [];
  for (const path of paths) {
    try {
      const capture = await openOne(path, io);
      const linkTypes = new UnsupportedLinkTypes();
      let packetComments = 0;
      const count = (batch: PacketBatch) => {
        if (batch.length > 0) linkTypes.add(batch.format.linkType, batch.length);
        for (const comments of batch.comments?.values() ?? []) packetComments += comments.length;
      };
      sources.push(untilFailure(capture, path, count, io, report));
      inputs.push({
        name: nameOf(path),
        warnings: capture.warnings,
        unsupportedLinkTypes: linkTypes.counts,
        pcapngOnly: () => countPcapngOnly(capture.interfaces, packetComments),
      });
    } catch (error) {
      report.failed(named(error, path));
    }
  }
  return sources.length === 0 ? undefined : { source: mergeSources(sources), inputs };
}

async function openOne(path: string, io: Io): Promise<CaptureSource> {
  const stats = path === STANDARD_INPUT ? undefined : await stat(path).catch(() => undefined);
  // Fastest for regular files. The other path supports pipes and reports missing files.
  if (stats?.isFile() === true) return openCaptureFile(path);
  const input = await openInput(path, io);
  return openCapture(input, input.name);
}

function countPcapngOnly(interfaces: CaptureSource["interfaces"], packetComments: number): PcapngOnly {
  const hasName = ({ name, description }: CaptureSource["interfaces"][number]) =>
    (name ?? description) !== undefined;
  const comments = interfaces.reduce((sum, one) => sum + (one.comments?.length ?? 0), packetComments);
  return { comments, namedInterfaces: interfaces.filter(hasName).length };
}

/** Wraps a source: it ends at a failure instead of throwing, and its batches are counted. */
function untilFailure(
  source: PacketSource,
  path: string,
  count: (batch: PacketBatch) => void,
  { signal }: Io,
  report: InputReport,
): PacketSource {
  const reader = readBatches(source);

  function pull(): ReturnType<Pull> {
    try {
      const batch = reader.next();
      return batch instanceof Promise ? batch.then(counted, end) : counted(batch);
    } catch (error) {
      return end(error);
    }
  }
  function counted(batch: PacketBatch | undefined): PacketBatch | undefined {
    if (batch !== undefined) count(batch);
    return batch;
  }
  function end(error: unknown): undefined {
    // After an interruption, a partly read input may look damaged.
    if (!signal.aborted) report.failed(named(error, path));
  }

  return createSource({
    interfaces: source.interfaces,
    pull,
    ...(reader.writable && { copy: copyBatch }),
    dropped: () => source.stats().dropped,
    leave: () => reader.leave(),
    close: async () => {
      await source[Symbol.asyncDispose]();
    },
  });
}

function nameOf(path: string): string {
  return path === STANDARD_INPUT ? "standard input" : path;
}

/** Adds the input's name to an error message that does not contain it (those of captures and of the system do). */
function named(error: unknown, path: string): unknown {
  const name = nameOf(path);
  if (!(error instanceof Error) || error.message.includes(name)) return error;
  return new Error(`${name}: ${error.message}`, { cause: error });
}
