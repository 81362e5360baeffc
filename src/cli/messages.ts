import { clean } from "./error-text.js";
import type { Io } from "./io.js";

/** What a command tells beside its output, on standard error: lines, and on a terminal a status line below them. */
export interface Messages {
  /** Whether a status line can be seen. */
  readonly hasStatus: boolean;
  /** One or more lines, made safe for a terminal. */
  tell(text: string): void;
  /** Text that is safe already, with the ends of its lines. */
  pass(text: string): void;
  /** Shows how far something is, in place of what was shown before. */
  status(text: string): void;
  /** To be called before the terminal is written to by others. */
  clearStatus(): void;
}

const CLEAR = "\r\x1b[K";

export interface MessagesOptions {
  /** Tell nothing: `--silent-errors`. */
  readonly silent?: boolean;
}

/** Messages to standard error. Nobody reading them is no reason to stop. */
export function createMessages(
  { stderr }: Pick<Io, "stderr">,
  { silent = false }: MessagesOptions = {},
): Messages {
  let isShown = false;

  function write(text: string): void {
    try {
      stderr.write(text)?.catch(() => {});
    } catch {
      // The stream is gone.
    }
  }

  function clearStatus(): void {
    if (isShown) write(CLEAR);
    isShown = false;
  }

  function pass(text: string): void {
    if (silent || text === "") return;
    clearStatus();
    write(text);
  }

  return {
    hasStatus: stderr.isTerminal && !silent,
    tell: (text) => pass(`${clean(text)}\n`),
    pass,
    status(text) {
      if (!stderr.isTerminal || silent) return;
      // One less, as a full line would wrap in some terminals.
      write(CLEAR + clean(text).slice(0, Math.max((stderr.columns ?? 80) - 1, 0)));
      isShown = true;
    },
    clearStatus,
  };
}
