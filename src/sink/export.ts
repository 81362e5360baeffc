import type { Writable } from "node:stream";
import { systemClock } from "../async/clock.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../errors/check-options.js";
import { OpenError } from "../errors/errors.js";
import { aPath, aUint8Array, withMethods } from "../errors/value-checks.js";
import type { Flow } from "../gen/flow/flow_pb.js";
import type { ExportEvent, GetFlowsResponse } from "../gen/observer/observer_pb.js";
import { toEnvelope } from "../observer/flow-response.js";
import type { LineOutput } from "./export/line-output.js";
import {
  compilePipeline,
  EXPORT_OPTIONS,
  type ExportOptions,
  type ExportPipeline,
  type Verdict,
} from "./export/pipeline.js";
import { openRotatingFile, ROTATION_OPTIONS, type RotationOptions } from "./export/rotating-file.js";
import { streamOutput } from "./export/stream-output.js";

export { type FlowFileOptions, openFlowFile } from "./export/flow-file.js";
export type { ExportOptions } from "./export/pipeline.js";
export type { RotationOptions } from "./export/rotating-file.js";

/** Options of {@link openExportFile}. */
export interface ExportFileOptions extends ExportOptions, RotationOptions {}

const FILE_OPTIONS: OptionTable<ExportFileOptions> = { ...EXPORT_OPTIONS, ...ROTATION_OPTIONS };

/** Counts of an export: offered = written + filtered + late + lost. */
export interface ExportStats {
  /** Events passed to `write`, `writeResponse` and `writeLine`. */
  readonly offered: number;
  /** Events whose line was accepted and is not lost. */
  readonly written: number;
  /** Events that the filter lists rejected. */
  readonly filtered: number;
  /** Events written at or after `end`. */
  readonly late: number;
  /** Events that cannot be decoded or encoded as JSON, and events that the output did not accept or could not write. */
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
  /**
   * Exports an event that is encoded as `observer.GetFlowsResponse`, such as those of `observe` with `encoded: true`, as
   * `write` exports the decoded event. Only events that the filter lists accept are decoded.
   *
   * @param response It is not kept, and not changed.
   * @throws FlowscribeError `malformed_message` if it cannot be decoded: the event counts as lost. Damage in a field that
   *   no filter reads is not noticed in an event that the filters reject. Other errors as for `write`.
   *
   * @example
   * for await (const response of observe(transport, { follow: true }, { encoded: true })) {
   *   await sink.writeResponse(response);
   * }
   */
  writeResponse(response: Uint8Array): void | Promise<void>;
  /**
   * Exports a line of an export file, such as those of `filterExport`, if the filter lists accept its event: byte for
   * byte, and with a line feed. Only the fields that the filters read are decoded. With a field mask, the event is
   * decoded, masked and encoded anew.
   *
   * @param line One JSON line, as for `jsonLine` of a filter, with or without its line feed. It is not kept.
   * @throws ExportLineError `malformed_export`, with the offset of the fault in bytes, if it is not one line with an event:
   *   the event counts as lost. Damage in values that no filter reads is not noticed. Other errors as for `write`.
   *
   * @example
   * for await (const line of filterExport(createReadStream("events.log"), {})) await sink.writeLine(line);
   */
  writeLine(line: Uint8Array): void | Promise<void>;
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

function createSink(pipeline: ExportPipeline, output: LineOutput): ExportSink {
  let offered = 0;
  let accepted = 0;
  let filtered = 0;
  let late = 0;
  let closing: Promise<void> | undefined;

  function checkOpen(): void {
    if (closing !== undefined) throw new TypeError("the export is closed");
  }

  function accept(verdict: Verdict): void | Promise<void> {
    if (verdict === "filtered") filtered++;
    else if (verdict === "late") late++;
    else {
      const waiting = output.write(verdict.line);
      accepted++;
      return waiting;
    }
  }

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
      checkOpen();
      const envelope = toEnvelope("write", event);
      offered++;
      return accept(pipeline.event(envelope));
    },
    writeResponse: (response) => {
      checkOpen();
      checkArgument("writeResponse", "response", response, aUint8Array);
      offered++;
      return accept(pipeline.response(response));
    },
    writeLine: (line) => {
      checkOpen();
      checkArgument("writeLine", "line", line, aUint8Array);
      offered++;
      return accept(pipeline.line(line));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
