import { fstatSync } from "node:fs";
import { BrokenPipe, type Io } from "./io.js";

/** How often an output is checked for a reader. */
const CHECK_INTERVAL_MS = 100;

/**
 * Calls back once when the other end of a pipe or socket is closed. Node reports that only when something is written. Needs koffi;
 * without it nothing is called. The first check comes after an interval, so that short commands do not load koffi.
 *
 * @returns Stops watching.
 */
export function watchPeer(descriptor: number, onClosed: () => void): () => void {
  if (!isPipeOrSocket(descriptor)) return () => {};
  let isWatching = true;
  const stop = () => {
    isWatching = false;
    clearInterval(timer);
  };
  let isClosed: ((descriptor: number) => boolean) | undefined;
  let timer = setInterval(async () => {
    // Once: the interval begins anew when koffi is there.
    clearInterval(timer);
    isClosed = await loadIsPeerClosed();
    if (isClosed === undefined || !isWatching) return;
    timer = setInterval(check, CHECK_INTERVAL_MS);
    timer.unref();
    check();
  }, CHECK_INTERVAL_MS);
  timer.unref();

  function check(): void {
    if (isClosed?.(descriptor) !== true) return;
    stop();
    onClosed();
  }

  return stop;
}

async function loadIsPeerClosed(): Promise<((descriptor: number) => boolean) | undefined> {
  try {
    const { loadKoffi } = await import("../source/native/koffi.js");
    const { bindIsPeerClosed } = await import("../source/native/poll.js");
    return bindIsPeerClosed(await loadKoffi());
  } catch {
    // Without koffi, or on Windows, the next write reports it.
    return undefined;
  }
}

function isPipeOrSocket(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false;
  }
}

/**
 * The io of a command whose output is of use to its reader only: its signal is also aborted, by a {@link BrokenPipe}, when standard
 * output is closed at the other end. Dispose of it to stop watching.
 */
export function endWithReader(io: Io): Io & Disposable {
  const controller = new AbortController();
  const stop = io.stdout.watch?.(() => controller.abort(new BrokenPipe("the reader of the output has gone")));
  return {
    ...io,
    signal: AbortSignal.any([io.signal, controller.signal]),
    [Symbol.dispose]: () => stop?.(),
  };
}
