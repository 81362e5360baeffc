import { availableParallelism } from "node:os";
import { toBinary } from "@bufbuild/protobuf";
import { iterateOrAbort } from "../../async/iterate-or-abort.js";
import { FilterError, FlowscribeError, OpenError } from "../../errors/errors.js";
import { compileLists, type FlowFilterLists } from "../../filter/compile.js";
import { filterOptionsOf } from "../../filter/filter-options.js";
import { FlowFilterSchema } from "../../gen/flow/flow_pb.js";
import { ExportError } from "../../observer/export/error.js";
import { MAX_LINE_BYTES } from "../../observer/export/read-export.js";
import type { FilteredFiles, FilterFilesOptions, FilterFilesStats } from "./options.js";
import { PartOutput } from "./part-output.js";
import { PartList } from "./parts.js";
import type { FromWorker, Part, WorkerSettings } from "./protocol.js";
import { WorkerPool, WorkerThread } from "./worker-pool.js";

/** Bytes of a file that a worker filters at a time: few enough for the cache of a core, and for an even end. */
const PART_BYTES = 1024 * 1024;

/** The bundled worker: in the package, all code lies one folder below `dist/`. */
const WORKER = new URL("../workers/filter-export.js", import.meta.url);

export interface FileFilterSettings extends Partial<Pick<WorkerSettings, "othersAreEmptyFlows">> {
  readonly worker?: URL;
  readonly partBytes?: number;
}

/** Parts that are filtered or wait for their turn, for each worker. */
const PARTS_PER_WORKER = 4;

/** The default number of workers, on machines with as many cores. */
const DEFAULT_MAX_WORKERS = 4;

/** The iteration of `filterFiles`. */
export class FileFilter implements FilteredFiles {
  readonly #paths: readonly string[];
  readonly #options: FilterFilesOptions;
  readonly #worker: URL;
  readonly #partBytes: number;
  readonly #settings: WorkerSettings;
  #isRead = false;
  #files = 0;
  #matched = 0;
  #badLines = 0;
  #bytes = 0;
  /** Lines of the current file before the current part. */
  #linesBefore = 0;

  /** @throws FilterError */
  constructor(
    paths: readonly string[],
    filters: FlowFilterLists,
    options: FilterFilesOptions,
    { worker = WORKER, partBytes = PART_BYTES, othersAreEmptyFlows = false }: FileFilterSettings = {},
  ) {
    this.#paths = paths;
    this.#options = options;
    this.#worker = worker;
    this.#partBytes = partBytes;
    this.#settings = { ...settingsOf(filters, options), othersAreEmptyFlows };
  }

  get stats(): FilterFilesStats {
    return { files: this.#files, bytes: this.#bytes, matched: this.#matched, badLines: this.#badLines };
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    if (this.#isRead) throw new FlowscribeError("source_consumed", "filtered files can be read only once");
    this.#isRead = true;
    const { signal } = this.#options;
    const chunks = this.#filter();
    return (signal === undefined ? chunks : iterateOrAbort(chunks, signal))[Symbol.asyncIterator]();
  }

  async *#filter(): AsyncGenerator<Uint8Array, void, undefined> {
    const { workers = Math.min(availableParallelism(), DEFAULT_MAX_WORKERS) } = this.#options;
    const pool = new WorkerPool(workers, () => new WorkerThread(this.#worker, this.#settings));
    const parts = new PartList(this.#paths, this.#partBytes);
    const ahead: PartOutput[] = [];
    let file = 0;
    try {
      for (;;) {
        while (ahead.length < PARTS_PER_WORKER * workers) {
          const next = parts.next();
          if (next === undefined) break;
          ahead.push(new PartOutput(next, pool));
        }
        const output = ahead.shift();
        if (output === undefined) break;
        if (output.file !== file) {
          file = output.file;
          this.#files = file;
          this.#linesBefore = 0;
          parts.closeBefore(file);
        }
        for await (const message of output.messages) {
          if (message.kind === "inOrder") {
            // The rest of the file comes with this part.
            parts.skip(file);
            while (ahead[0]?.file === file) await ahead.shift()?.cancel();
          } else {
            if (message.kind === "lines") this.#bytes += bytesRead(output.part, message.truncatedAt);
            if (message.kind === "end") this.#bytes += output.part.size - output.part.start;
            const lines = this.#receive(message, output.part.path);
            if (lines !== undefined && lines.length > 0) yield lines;
            if (message.kind === "lines" && message.truncatedAt !== undefined)
              throw truncated(message.truncatedAt, output.part.path);
          }
        }
      }
      this.#files = this.#paths.length;
    } finally {
      await pool.close();
      parts.closeBefore(Number.POSITIVE_INFINITY);
    }
  }

  /** Returns lines to yield. */
  #receive(message: FromWorker, path: string): Uint8Array | undefined {
    switch (message.kind) {
      case "lines":
        this.#linesBefore += message.lines;
        this.#matched += message.matched;
        return message.bytes;
      case "block":
        this.#matched += message.matched;
        return message.bytes;
      case "badLine":
        this.#badLines++;
        this.#report(message.line, message.fault, path);
        return undefined;
      case "refused":
        throw new ExportError(message.code, message.fault, undefined, { path });
      case "failed":
        throw new OpenError(path, message.error);
      case "truncated":
        throw truncated(message.offset, path);
      case "inOrder":
      case "end":
        return undefined;
    }
  }

  #report(line: number | undefined, fault: string, path: string): void {
    const { onBadLine = "throw" } = this.#options;
    if (onBadLine === "skip") return;
    const number = line === undefined ? undefined : line + this.#linesBefore;
    const error = new ExportError("malformed_export", fault, number, { path });
    if (onBadLine === "throw") throw error;
    onBadLine(error);
  }
}

function bytesRead({ start, end }: Part, truncatedAt = end): number {
  return Math.min(end, truncatedAt) - start;
}

function truncated(offset: number, path: string): ExportError {
  const fault = `truncated while it was read (at byte ${offset})`;
  return new ExportError("truncated_export", fault, undefined, { path });
}

function settingsOf(
  filters: FlowFilterLists,
  options: FilterFilesOptions,
): Omit<WorkerSettings, "othersAreEmptyFlows"> {
  const { onBadLine = "throw", maxLineBytes = MAX_LINE_BYTES } = options;
  const filterOptions = filterOptionsOf(options);
  const { allow, deny, issues } = compileLists(filters, filterOptions);
  if (issues.length > 0) throw new FilterError(issues);
  const encode = (list: typeof allow) => list.map(({ message }) => toBinary(FlowFilterSchema, message));
  return {
    ...{ allow: encode(allow), deny: encode(deny), maxLineBytes },
    filterOptions,
    stopsAtBadLine: onBadLine === "throw",
  };
}
