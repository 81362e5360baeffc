import { fstatSync } from "node:fs";
import { BrokenPipe, type Io } from "./io.js";

/** Interval for checking whether the output is closed, in milliseconds. */
const CHECK_INTERVAL_MS = 100;

/**
 * Calls `onClosed` once when the peer of a pipe or socket closes it, which Node reports only at the next write.
 * Requires koffi; without it, `onClosed` is never called. The first check comes after an interval, so that short
 * commands do not load koffi.
 *
 * @returns A function that stops watching.
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
    // Load koffi only once; the interval is restarted when it is loaded.
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
    const { loadKoffi } = await import("../../source/native/koffi.js");
    const { bindIsPeerClosed } = await import("../../source/native/poll.js");
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
 * Returns an io for a command that is useless without a reader of its output: its signal is also aborted, with a
 * {@link BrokenPipe}, when the reader closes standard output. Dispose of it to stop watching.
 */
export function endWithReader(io: Io): Io & Disposable {
  const controller = new AbortController();
  const stop = io.stdout.watch?.(() => controller.abort(new BrokenPipe("the output was closed")));
  return {
    ...io,
    signal: AbortSignal.any([io.signal, controller.signal]),
    [Symbol.dispose]: () => stop?.(),
  };
}
