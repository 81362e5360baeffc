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
import { encodeEnvelope } from "../observer/export/line.js";
import { compileFieldMask } from "../observer/field-mask.js";
import { toEnvelope } from "../observer/flow-response.js";
import { aRegistry } from "../observer/json/registry.js";
import { reportOnce } from "../observer/report-once.js";
import { openRotatingFile, ROTATION_OPTIONS, type RotationOptions } from "./export-file.js";
import type { LineOutput } from "./export-output.js";
import { streamOutput } from "./export-stream.js";

export type { RotationOptions } from "./export-file.js";

/** What is exported, and how much of it. */
export interface ExportOptions extends FlowFilterLists, FlowFilterOptions {
  /** Paths of Flow, as for `compileFieldMask`; without any, flows are exported whole. */
  readonly fieldMask?: readonly string[];
  /** From then on nothing is exported, as `end` of Hubble's dynamic exporter has it. */
  readonly end?: Date;
  /** The types that `extensions` of flows may hold; Hubble's own and the well-known ones by default. */
  readonly registry?: Registry;
  /**
   * Called once for each type of extension that is exported as bytes, because the registry does not know it or its bytes are
   * not of that type; at most for a hundred types.
   */
  readonly onUndecodableExtension?: (typeUrl: string) => void;
  /** Tells the times for `end` and for the names of backups. */
  readonly clock?: Pick<Clock, "now">;
}

/** {@link openExportFile}. */
export interface ExportFileOptions extends ExportOptions, RotationOptions {}

const EXPORT_OPTIONS: OptionTable<ExportOptions> = {
  ...FLOW_FILTER_OPTIONS,
  // These three are checked when they are compiled.
  allow: checkedElsewhere,
  deny: checkedElsewhere,
  fieldMask: checkedElsewhere,
  end: aDate,
  registry: aRegistry,
  onUndecodableExtension: aFunction,
  clock: withMethods<Pick<Clock, "now">>("a clock with `now`", "now"),
};

const FILE_OPTIONS: OptionTable<ExportFileOptions> = { ...EXPORT_OPTIONS, ...ROTATION_OPTIONS };

/** Offered = written + filtered + late + lost. */
export interface ExportStats {
  /** Events offered. */
  readonly offered: number;
  /** Events whose line was taken, and has not been lost since. */
  readonly written: number;
  /** Events that the lists kept out. */
  readonly filtered: number;
  /** Events that came at or after `end`. */
  readonly late: number;
  /** Events without a JSON form, and those that a failing output did not take. */
  readonly lost: number;
  /** Bytes of the lines taken, line feeds included. */
  readonly bytes: number;
  /** Files that have become backups. */
  readonly rotations: number;
}

/** Where exported events go. Disposing of it closes it. */
export interface ExportSink extends AsyncDisposable {
  readonly stats: ExportStats;
  /**
   * Exports an event, or a bare flow, if the lists let it through. A promise where the output is behind: wait for it, so that nothing piles up.
   *
   * @throws ExportError `unencodable_event`: the event is counted as lost, and the next may be written. FlowscribeError
   *   `sink_failed`: events whose lines were not written whole are lost (see `stats`), and the next may be tried.
   */
  write(event: GetFlowsResponse | ExportEvent | Flow): void | Promise<void>;
  /** Resolves when every line is written and backups are in order; a file is closed, a stream is left open. */
  close(): Promise<void>;
}

/**
 * Exports events into a file as Hubble's exporter does, a JSON line each: lists, field mask, line, and a file that
 * rotates by size. Made if need be, readable for its owner only; an existing file is continued.
 *
 * Lines are gathered for as long as one turn of the event loop lasts, at most 64 KiB, and then written at once.
 *
 * @throws OptionsError, FilterError, FieldMaskError; OpenError `open_failed` when the file cannot be opened, with the system's error
 *   (`EISDIR`, `EACCES`, …) as its cause.
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
 * Exports events to a stream of Node's, such as `process.stdout`, which the sink does not end.
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
  let taken = 0;
  let filtered = 0;
  let late = 0;
  let closing: Promise<void> | undefined;

  const close = () => {
    closing ??= output.close();
    return closing;
  };
  return {
    get stats() {
      const written = taken - output.lostLines;
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
        taken++;
        return waiting;
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
