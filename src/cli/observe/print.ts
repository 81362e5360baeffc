import type { FlowPrinter } from "../../observer/index.js";
import type { InputEvent } from "../input/events.js";
import { BrokenPipe, type Io } from "../io/io.js";
import type { Messages } from "../io/messages.js";

/** Size in UTF-16 code units at which buffered text is written. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Prints events to standard output: in large chunks if many are available, and all of a batch before waiting for the
 * next. Waits while the output is full.
 *
 * If the input or the printer fails, prints the events before the failure, including a buffered table, and then throws
 * the error.
 */
export async function printEvents(
  batches: AsyncIterable<readonly InputEvent[]>,
  { write, end }: FlowPrinter,
  { stdout }: Pick<Io, "stdout">,
  messages: Messages,
): Promise<void> {
  let text = "";

  async function flush(): Promise<void> {
    if (text === "") return;
    if (stdout.isTerminal) messages.clearStatus();
    const full = stdout.write(text);
    text = "";
    if (full !== undefined) await full;
  }

  async function printAll(): Promise<void> {
    for await (const batch of batches) {
      for (const event of batch) {
        const { out, err } = write(event);
        text += out;
        if (err !== "") {
          await flush();
          messages.write(err);
        }
        if (text.length >= CHUNK_LENGTH) await flush();
      }
      await flush();
    }
  }

  async function printRest(): Promise<void> {
    text += end().out;
    await flush();
  }

  try {
    await printAll();
  } catch (error) {
    // If the output is closed, do not print the rest. Report the first error only.
    if (!(error instanceof BrokenPipe)) await printRest().catch(() => {});
    throw error;
  }
  await printRest();
}
