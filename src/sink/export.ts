import type { Writable } from "node:stream";
import type { Registry } from "@bufbuild/protobuf";
import { type Clock, systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { OpenError } from "../errors/errors.js";
import { aDate, aFunction, aPath, checkedElsewhere, withMethods } from "../errors/value-checks.js";
import { compileFlowFilters, type FlowFilterLists } from "../filter/compile.js";
import { flowEvent } from "../filter/event.js";
import { FLOW_FILTER_OPTIONS, type FlowFilterOptions, filterOptionsOf } from "../filter/filter-options.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { aRegistry } from "../message/json/registry.js";
import { encodeEnvelope } from "../observer/export/line.js";
import { compileFieldMask } from "../observer/field-mask.js";
import { toEnvelope } from "../observer/flow-response.js";
import { reportOnce } from "../observer/report-once.js";
import { openRotatingFile, ROTATION_OPTIONS, type RotationOptions } from "./export-file.js";
import type { LineOutput } from "./export-output.js";
import { streamOutput } from "./export-stream.js";

export type { RotationOptions } from "./export-file.js";

/** Which events are exported, and which of their fields. */
export interface ExportOptions extends FlowFilterLists, FlowFilterOptions {
  /** Flow field paths, as for `compileFieldMask`; empty or absent: whole flows. */
  readonly fieldMask?: readonly string[];
  /** No event is exported from this time on, as with `end` of Hubble's dynamic exporter. */
  readonly end?: Date;
  /** Types that the `extensions` of flows may contain; Hubble's own and the well-known types by default. */
  readonly registry?: Registry;
  /**
   * Called once per extension type that is exported as bytes because the registry does not contain it or its bytes are
   * invalid; for at most a hundred types.
   */
  readonly onUndecodableExtension?: (typeUrl: string) => void;
  /** Clock for `end` and for the names of backups. */
  readonly clock?: Pick<Clock, "now">;
}

/** Options of {@link openExportFile}. */
export interface ExportFileOptions extends ExportOptions, RotationOptions {}

const EXPORT_OPTIONS: OptionTable<ExportOptions> = {
  ...FLOW_FILTER_OPTIONS,
  // The compile functions check these three.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  fieldMask: checkedElsewhere,
  end: aDate,
  registry: aRegistry,
  onUndecodableExtension: aFunction,
  clock: withMethods<Pick<Clock, "now">>("a clock with `now`", "now"),
};

const FILE_OPTIONS: OptionTable<ExportFileOptions> = { ...EXPORT_OPTIONS, ...ROTATION_OPTIONS };

/** Counts of an export: offered = written + filtered + late + lost. */
export interface ExportStats {
  /** Events passed to `write`. */
  readonly offered: number;
  /** Events whose line was accepted and is not lost. */
  readonly written: number;
  /** Events that the filter lists rejected. */
  readonly filtered: number;
  /** Events written at or after `end`. */
  readonly late: number;
  /** Events that cannot be encoded as JSON, and events that the output did not accept or could not write. */
  readonly lost: number;
  /** Bytes of the written lines, line feeds included. */
  readonly bytes: number;
  /** Number of files that were renamed to backups. */
  readonly rotations: number;
}

/** Where exported events are written. Disposing of it closes it. */
export interface ExportSink extends AsyncDisposable {
  readonly stats: ExportStats;
  /**
   * Exports an event, or a bare flow, if the filter lists accept it. Returns a promise if the output is slower than the caller: await
   * it to limit memory.
   *
   * @throws ExportError `unencodable_event`: the event counts as lost; further events can be written. FlowscribeError
   *   `sink_failed`: events whose lines were not fully written are lost (see `stats`); further events can be tried.
   *   TypeError after `close`, or if `event` is not an event.
   */
  write(event: GetFlowsResponse | ExportEvent | Flow): void | Promise<void>;
  /** Resolves when every line is written and the backups are tidied. A file is closed; a stream is left open. */
  close(): Promise<void>;
}

/**
 * Exports events to a file as Hubble's exporter does: filter lists, field mask, one JSON line per event, rotation by
 * size. The file is created if necessary, accessible to its owner only; an existing file is appended to.
 *
 * Lines are buffered during one turn of the event loop, at most about 64 KiB, and written together.
 *
 * @throws OptionsError, FilterError, FieldMaskError; OpenError `open_failed` if the file cannot be opened, with the
 *   system's error (`EISDIR`, `EACCES`, …) as its cause.
 */
export async function openExportFile(path: string, options: ExportFileOptions = {}): Promise<ExportSink> {
  checkArgument("openExportFile", "path", path, aPath);
  checkOptions("openExportFile", options, FILE_OPTIONS);
  const pipeline = compilePipeline(options);
  let output: LineOutput;
  try {
    output = openRotatingFile(path, options, options.clock ?? systemClock);
  } catch (cause) {
    throw new OpenError(path, cause);
  }
  return createSink(pipeline, output);
}

/**
 * Exports events to a Node stream, such as `process.stdout`. The sink does not end the stream.
 *
 * @throws OptionsError, FilterError, FieldMaskError
 */
export async function openExportStream(stream: Writable, options: ExportOptions = {}): Promise<ExportSink> {
  checkArgument("openExportStream", "stream", stream, aWritable);
  checkOptions("openExportStream", options, EXPORT_OPTIONS);
  return createSink(compilePipeline(options), streamOutput(stream));
}

const aWritable = withMethods<Writable>("a writable stream of Node", "write", "once", "off");

type Verdict = { readonly line: string } | "filtered" | "late";
type Pipeline = (event: GetFlowsResponse | ExportEvent) => Verdict;

function compilePipeline(options: ExportOptions): Pipeline {
  const { allow = [], deny = [], fieldMask = [], end, registry, clock = systemClock } = options;
  const passes = compileFlowFilters({ allow, deny }, filterOptionsOf(options));
  const mask = compileFieldMask(fieldMask);
  const { onUndecodableExtension } = options;
  const encoding = {
    ...(registry && { registry }),
    onUndecodableExtension: onUndecodableExtension && reportOnce(onUndecodableExtension, () => {}),
  };
  const endMs = end?.getTime();
  return (event) => {
    if (endMs !== undefined && clock.now() >= endMs) return "late";
    if (!passes(flowEvent(event))) return "filtered";
    return { line: encodeEnvelope(mask(event), encoding) };
  };
}

function createSink(pipeline: Pipeline, output: LineOutput): ExportSink {
  let offered = 0;
  let accepted = 0;
  let filtered = 0;
  let late = 0;
  let closing: Promise<void> | undefined;

  const close = () => {
    closing ??= output.close();
    return closing;
  };
  return {
    get stats() {
      const written = accepted - output.lostLines;
      const { rotations, bytes } = output;
      return {
        offered,
        written,
        filtered,
        late,
        lost: offered - written - filtered - late,
        bytes,
        rotations,
      };
    },
    write: (event) => {
      if (closing !== undefined) throw new TypeError("the export is closed");
      const envelope = toEnvelope("write", event);
      offered++;
      const verdict = pipeline(envelope);
      if (verdict === "filtered") filtered++;
      else if (verdict === "late") late++;
      else {
        const waiting = output.write(verdict.line);
        accepted++;
        return waiting;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
