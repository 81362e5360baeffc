import type { Clock } from "../../../async/clock.js";
import type { Io } from "../../io/io.js";
import type { ScreenSize } from "./table.js";

/** How often the lines are painted, at most. */
const REPAINT_MS = 500;

/** The size of a terminal that does not report it. */
const DEFAULT_SIZE = { rows: 24, columns: 80 };

/** Lines at the bottom of a terminal that are painted over. */
export interface LiveLines {
  /** Call it when the lines have changed. */
  changed(): void;
  /** Removes the lines until they change again. Call it before anything else is written to the terminal. */
  clear(): void;
  /** Removes the lines and stops the timer. */
  close(): void;
}

/** @param lines Returns the current lines, which must fit on the screen. */
export function createLiveLines(
  { stdout, clock }: Pick<Io, "stdout"> & { readonly clock: Pick<Clock, "setTimer"> },
  lines: (size: ScreenSize) => readonly string[],
): LiveLines {
  let painted = 0;
  let isChanged = false;
  let isFull = false;
  let cancelTimer: (() => void) | undefined;

  function write(text: string): void {
    try {
      const full = stdout.write(text);
      if (full === undefined) return;
      isFull = true;
      // A failure is reported by the next write of the command.
      full.then(
        () => {
          isFull = false;
        },
        () => {},
      );
    } catch {
      // As above.
    }
  }

  function paint(): void {
    cancelTimer = undefined;
    if (!isChanged || isFull) return;
    isChanged = false;
    const { rows = DEFAULT_SIZE.rows, columns = DEFAULT_SIZE.columns } = stdout;
    // One less of each: the cursor is on the line below, and some terminals wrap a full line.
    const text = lines({ rows: Math.max(rows - 1, 2), columns: Math.max(columns - 1, 1) });
    write(`${upward()}${text.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    painted = text.length;
    startTimer();
  }

  function upward(): string {
    return painted === 0 ? "" : `\x1b[${painted}A\r`;
  }

  function startTimer(): void {
    cancelTimer ??= clock.setTimer(REPAINT_MS, paint);
  }

  function clear(): void {
    if (painted === 0) return;
    write(`${upward()}\x1b[J`);
    painted = 0;
    isChanged = true;
    startTimer();
  }

  return {
    changed() {
      isChanged = true;
      startTimer();
    },
    clear,
    close() {
      clear();
      cancelTimer?.();
      cancelTimer = undefined;
      isChanged = false;
    },
  };
}
