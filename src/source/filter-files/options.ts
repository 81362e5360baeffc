import type { HubbleVersion } from "../../hubble/version.js";
import type { ExportError } from "../../observer/export/error.js";

/** Options of `filterFiles`. */
export interface FilterFilesOptions {
  /**
   * Number of worker threads, 1 to 64; by default that of the cores, at most 4. With 1, one thread filters and the calling
   * thread only receives lines; `filterExport` filters in the calling thread.
   */
  readonly workers?: number;
  /** Ends the iteration, which throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** How to handle a line that cannot be decoded, as for `filterExport`. The errors have the path. */
  readonly onBadLine?: "throw" | "skip" | ((error: ExportError) => void);
  /** The maximum length of a line in bytes; 1 MiB by default. */
  readonly maxLineBytes?: number;
  /** The version of Hubble whose results and error texts apply. Default `1.16`. */
  readonly hubble?: HubbleVersion;
  /** The memory for strings of events that occur again, in bytes, for each worker; 1 MiB by default. */
  readonly stringCacheBytes?: number;
}

/** Counts of `filterFiles`, for what has been yielded. */
export interface FilterFilesStats {
  /** Files that were read to their end. */
  readonly files: number;
  /** Lines that matched. */
  readonly matched: number;
  /** Bytes of the files, as they are stored. */
  readonly bytes: number;
  /** Lines that could not be decoded. */
  readonly badLines: number;
}

/** Chunks of matching lines. It can be iterated once. */
export interface FilteredFiles extends AsyncIterable<Uint8Array> {
  readonly stats: FilterFilesStats;
}
