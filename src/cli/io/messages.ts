import { clean } from "../error-text.js";
import type { Io } from "./io.js";

/** Messages of a command on standard error: lines and, on a terminal, a status line below them. */
export interface Messages {
  /** Whether status lines are shown. */
  readonly hasStatus: boolean;
  /** Prints one or more lines, escaped for a terminal. */
  report(text: string): void;
  /** Prints text that is already escaped and includes line feeds. */
  write(text: string): void;
  /** Shows a status line in place of the previous one. */
  status(text: string): void;
  /** Call it before other code writes to the terminal. */
  clearStatus(): void;
  /** Calls a listener before each message is written, to remove what it must not be written into. */
  beforeWrite(listener: () => void): void;
}

const CLEAR = "\r\x1b[K";

export interface MessagesOptions {
  /** Suppress messages: `--silent-errors`. */
  readonly silent?: boolean;
}

/** Creates messages on standard error. Write errors are ignored: a closed standard error does not stop a command. */
export function createMessages(
  { stderr }: Pick<Io, "stderr">,
  { silent = false }: MessagesOptions = {},
): Messages {
  let isShown = false;
  let notify = () => {};

  function write(text: string): void {
    try {
      stderr.write(text)?.catch(() => {});
    } catch {
      // Standard error is closed.
    }
  }

  function clearStatus(): void {
    if (isShown) write(CLEAR);
    isShown = false;
  }

  function writeUnlessSilent(text: string): void {
    if (silent || text === "") return;
    clearStatus();
    notify();
    write(text);
  }

  return {
    hasStatus: stderr.isTerminal && !silent,
    report: (text) => writeUnlessSilent(`${clean(text)}\n`),
    write: writeUnlessSilent,
    status(text) {
      if (!stderr.isTerminal || silent) return;
      // One character less, as some terminals wrap a full line.
      write(CLEAR + clean(text).slice(0, Math.max((stderr.columns ?? 80) - 1, 0)));
      isShown = true;
    },
    clearStatus,
    beforeWrite: (listener) => {
      notify = listener;
    },
  };
}
