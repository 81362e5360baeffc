import type { FlowPrinter } from "../../observer/index.js";
import type { InputEvent } from "../input/events.js";
import { BrokenPipe, type Io } from "../io.js";
import type { Messages } from "../messages.js";

/** UTF-16 code units gathered before they are written. */
const CHUNK_LENGTH = 64 * 1024;

/**
 * Prints events to standard output: large pieces while there is much, and all of what came together before more is waited
 * for. Waits while the output is full.
 *
 * When the input or the printer fails, what came before is printed, a table that was held back included, and then the
 * error is thrown.
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
          messages.pass(err);
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
    // Without a reader there is nothing to print for; the first error is the one to report.
    if (!(error instanceof BrokenPipe)) await printRest().catch(() => {});
    throw error;
  }
  await printRest();
}
