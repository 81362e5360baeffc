import type { Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";
import { type InputEvent, type InputOptions, readEvents } from "./events.js";
import { type Input, openInput } from "./open.js";
import { withProgress } from "./progress.js";
import type { InputReport } from "./report.js";

/** Dependencies and options for reading inputs. */
export interface ReadContext extends InputOptions {
  readonly io: Io;
  readonly messages: Messages;
  readonly report: InputReport;
  /** Whether to show progress. */
  readonly progress: boolean;
}

/**
 * Yields the events of inputs, one input after another. An input that cannot be opened or read further is reported, and
 * the next one is read.
 */
export async function* readAll(
  paths: readonly string[],
  context: ReadContext,
): AsyncGenerator<InputEvent[], void, undefined> {
  for (const path of paths) {
    const input = await tryOpen(path, context);
    if (input !== undefined) yield* readOne(input, context);
  }
}

export async function* readOne(
  opened: Input,
  { io, messages, report, progress, ...options }: ReadContext,
): AsyncGenerator<InputEvent[], void, undefined> {
  const input = progress ? withProgress(opened, messages, io.clock) : opened;
  try {
    yield* readEvents(input, input.name, options, report);
  } catch (error) {
    // After an interruption, a partly read input may look damaged.
    if (!io.signal.aborted) report.failed(named(error, input.name));
  } finally {
    report.ended(input.name);
    await input.close();
  }
}

/** Opens an input. Reports a failure and returns undefined. */
export async function tryOpen(path: string, { io, report }: ReadContext): Promise<Input | undefined> {
  try {
    return await openInput(path, io);
  } catch (error) {
    report.failed(error);
    return undefined;
  }
}

/** Adds the input's name to an error, unless it has a path (errors of captures and of the system do). */
function named(error: unknown, name: string): unknown {
  if (!(error instanceof Error) || ("path" in error && error.path !== undefined)) return error;
  return new Error(`${name}: ${error.message}`, { cause: error });
}
