import { systemClock } from "../../async/clock.js";
import { checkArgument } from "../../errors/check-argument.js";
import { checkOptions, type OptionTable } from "../../errors/check-options.js";
import { OpenError } from "../../errors/errors.js";
import { messageOf } from "../../errors/message.js";
import { aFunction, aPath } from "../../errors/value-checks.js";
import { decodeEvent, type EncodedEvent } from "../../observer/events/encoded-event.js";
import {
  type FlowSink,
  type FlowSinkStats,
  type RefusedEvent,
  RefusedEventsError,
} from "../../observer/events/flow-sink.js";
import { encodeEnvelope } from "../../observer/export/line.js";
import { reportOnce } from "../../observer/report-once.js";
import { EXPORT_OPTIONS, type ExportOptions } from "./pipeline.js";
import {
  type DurableLineOutput,
  openRotatingFile,
  ROTATION_OPTIONS,
  type RotationOptions,
} from "./rotating-file.js";
import { repairLastLine } from "./torn-line.js";

/** Options of {@link openFlowFile}. */
export interface FlowFileOptions
  extends RotationOptions,
    Pick<ExportOptions, "registry" | "onUndecodableExtension" | "clock"> {
  /** Called when the file ended with a part of a line, which a crash leaves, with the number of bytes that were cut off. */
  readonly onTornLine?: (bytes: number) => void;
}

const OPTIONS: OptionTable<FlowFileOptions> = {
  ...ROTATION_OPTIONS,
  registry: EXPORT_OPTIONS.registry,
  onUndecodableExtension: EXPORT_OPTIONS.onUndecodableExtension,
  clock: EXPORT_OPTIONS.clock,
  onTornLine: aFunction,
};

/**
 * Opens a file as a sink for events: one JSON line for each, as Hubble's exporter writes them, with the same rotation. When
 * `write` resolves, the lines are on the disk (fdatasync), also after a crash of the machine.
 *
 * A line that a crash has left incomplete is cut off when the file is opened: its event was not acknowledged, and comes
 * again.
 *
 * @throws OptionsError; OpenError `open_failed` if the file cannot be opened, with the system's error as its cause.
 *
 * @example
 * await using sink = await openFlowFile("/var/log/flows.jsonl", { maxBackups: 20, compress: true });
 */
export async function openFlowFile(path: string, options: FlowFileOptions = {}): Promise<FlowSink> {
  checkArgument("openFlowFile", "path", path, aPath);
  checkOptions("openFlowFile", options, OPTIONS);
  let output: DurableLineOutput;
  try {
    const cut = repairLastLine(path);
    if (cut > 0) options.onTornLine?.(cut);
    output = openRotatingFile(path, options, options.clock ?? systemClock);
  } catch (cause) {
    throw new OpenError(path, cause);
  }
  return new FlowFile(output, options);
}

class FlowFile implements FlowSink {
  readonly #output: DurableLineOutput;
  readonly #toLine: (event: EncodedEvent) => string;
  #closing: Promise<void> | undefined;
  #written = 0;
  #refused = 0;
  #failures = 0;

  constructor(output: DurableLineOutput, { registry, onUndecodableExtension }: FlowFileOptions) {
    this.#output = output;
    const encoding = {
      ...(registry && { registry }),
      onUndecodableExtension: onUndecodableExtension && reportOnce(onUndecodableExtension, () => {}),
    };
    this.#toLine = (event) => encodeEnvelope(decodeEvent(event), encoding);
  }

  get stats(): FlowSinkStats {
    return { written: this.#written, refused: this.#refused, failures: this.#failures };
  }

  async write(events: readonly EncodedEvent[], signal?: AbortSignal): Promise<void> {
    if (this.#closing !== undefined) throw new TypeError("the sink is closed");
    signal?.throwIfAborted();
    const refused: RefusedEvent[] = [];
    try {
      for (const event of events) {
        const line = this.#lineOf(event, refused);
        // A file never makes the caller wait.
        if (line !== undefined) this.#output.write(line);
      }
      await this.#output.sync();
    } catch (error) {
      this.#failures++;
      throw error;
    }
    this.#written += events.length - refused.length;
    this.#refused += refused.length;
    if (refused.length > 0) throw new RefusedEventsError(refused);
  }

  async flush(): Promise<void> {
    if (this.#closing === undefined) await this.#output.sync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#output.close();
    return this.#closing;
  }

  /** Undefined if the event has no JSON form. */
  #lineOf(event: EncodedEvent, refused: RefusedEvent[]): string | undefined {
    try {
      return this.#toLine(event);
    } catch (error) {
      refused.push({ event, reason: messageOf(error) });
      return undefined;
    }
  }
}
