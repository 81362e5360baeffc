import { createChunkInput } from "../../bytes/chunk-input.js";
import { decompress } from "../../bytes/decompress.js";
import { peek } from "../../bytes/peek.js";
import type { FlowFilterLists } from "../../filter/index.js";
import type { HubbleVersion } from "../../hubble/version.js";
import type { ExportError } from "../../observer/index.js";
import { FileFilter } from "../../source/filter-files/file-filter.js";
import { gzipError, type InputEvent } from "./events.js";
import { detectKind } from "./kind.js";
import { openInput, STANDARD_INPUT } from "./open.js";
import { createProgress } from "./progress.js";
import { type ReadContext, readAll } from "./read-all.js";

/** What is filtered in worker threads, and how. */
export interface ParallelOptions {
  readonly filters: FlowFilterLists;
  readonly hubble: HubbleVersion | undefined;
  readonly workers: number;
  /**
   * Makes events of a chunk of matching lines, each with its line feed. If it is absent, the lines are read like those
   * of a file.
   */
  readonly eventsOf?: ((lines: Uint8Array) => InputEvent[]) | undefined;
}

/**
 * Like {@link readAll}, but export files are filtered in worker threads: only the lines that pass reach this one. Files
 * that follow each other are read at once. Unknown fields are reported for lines that are read here only, without the line
 * number.
 */
export async function* readInParallel(
  paths: readonly string[],
  options: ParallelOptions,
  context: ReadContext,
): AsyncGenerator<InputEvent[], void, undefined> {
  let group: string[] = [];
  for (const path of paths) {
    if (path !== STANDARD_INPUT && (await isExport(path, context))) {
      group.push(path);
      continue;
    }
    yield* readGroup(group, options, context);
    group = [];
    yield* readAll([path], context);
  }
  yield* readGroup(group, options, context);
}

/** Whether a file contains export lines. If it cannot be read, it is left to {@link readAll}, which reports why. */
async function isExport(path: string, { io }: ReadContext): Promise<boolean> {
  try {
    const raw = await openInput(path, io);
    try {
      if (raw.file === undefined) return false;
      const { input } = await decompress(raw, gzipError);
      const { result } = await peek(input, detectKind);
      return result === "export";
    } finally {
      await raw.close();
    }
  } catch {
    return false;
  }
}

/** Reads export files. One that cannot be read further is reported, and the next one is read. */
async function* readGroup(
  paths: readonly string[],
  options: ParallelOptions,
  context: ReadContext,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { io, report } = context;
  const { filters, workers, hubble } = options;
  for (let next = 0; next < paths.length; ) {
    const rest = paths.slice(next);
    let ended = 0;
    const endUntil = (path: string | undefined) => {
      while (ended < rest.length && rest[ended] !== path) report.ended(rest[ended++]!);
    };
    const onBadLine = (error: ExportError) => {
      endUntil(error.path);
      report.skipped("line", error.path ?? "", withoutPath(error));
    };
    const files = new FileFilter(
      rest,
      { allow: filters.allow ?? [], deny: filters.deny ?? [] },
      { workers, onBadLine, signal: io.signal, ...(hubble && { hubble }) },
      { othersAreEmptyFlows: true },
    );
    try {
      yield* readLines(files, rest, options, context);
      next = paths.length;
    } catch (error) {
      io.signal.throwIfAborted();
      report.failed(error);
      next += files.stats.files + 1;
    } finally {
      endUntil(undefined);
    }
  }
}

async function* readLines(
  files: FileFilter,
  paths: readonly string[],
  { eventsOf }: ParallelOptions,
  { io, messages, report, progress, loadLineReader }: ReadContext,
): AsyncGenerator<InputEvent[], void, undefined> {
  const name = paths.length === 1 ? (paths[0] ?? "") : `${paths.length} files`;
  const shown = progress ? createProgress(name, undefined, messages, io.clock) : undefined;
  try {
    if (eventsOf !== undefined) {
      for await (const lines of files) {
        shown?.show(files.stats.bytes);
        yield eventsOf(lines);
      }
      return;
    }
    const readExportLines = await loadLineReader();
    const input = createChunkInput(files);
    yield* readExportLines(
      () => ({
        ...input,
        readInto: (buffer) => {
          shown?.show(files.stats.bytes);
          return input.readInto(buffer);
        },
      }),
      { onUnknownField: ({ message }) => report.unknownField(name, undefined, message) },
    );
  } finally {
    shown?.clear();
  }
}

function withoutPath({ line, fault }: ExportError): string {
  return line === undefined ? fault : `line ${line}: ${fault}`;
}
