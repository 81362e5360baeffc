import { sleep } from "../../async/abort.js";
import { BoundedQueue } from "../../async/bounded-queue.js";
import type { Clock } from "../../async/clock.js";
import { codeOf } from "../../errors/message.js";
import { endOfFile, type FileEnd, POLL_MS } from "../../source/followed-file.js";
import { errorText } from "../error-text.js";
import type { InputEvent } from "./events.js";
import { type Input, openInput, type RegularFile, readFile } from "./open.js";
import { type ReadContext, readOne, tryOpen } from "./read-all.js";

/** The events of followed inputs. */
export interface Followed {
  /** The existing events, one input after another. */
  readonly present: AsyncGenerator<InputEvent[], void, undefined>;
  /** Events added later, as they arrive. Request them only after the first part has ended. */
  readonly future: AsyncGenerator<InputEvent[], void, undefined>;
}

/**
 * Yields the events of inputs and events added later, as `tail -F`: files that are replaced or truncated are read from
 * the start. Pipes and standard input are read to their end, in the order of the inputs.
 */
export function followAll(paths: readonly string[], context: ReadContext): Followed {
  const waiting: AsyncIterator<InputEvent[]>[] = [];

  async function* readPresent(): AsyncGenerator<InputEvent[], void, undefined> {
    for (const path of paths) {
      const tail = startTail(path, context);
      for (;;) {
        const result = await tail.nextPresent();
        if (result === undefined) {
          waiting.push(tail.rest);
          break;
        }
        if (result.done === true) break;
        yield result.value;
      }
    }
  }

  return { present: readPresent(), future: merge(waiting) };
}

interface Tail {
  /** The next existing events; undefined if more may follow later. */
  nextPresent(): Promise<IteratorResult<InputEvent[]> | undefined>;
  /** Events added later. */
  readonly rest: AsyncIterator<InputEvent[]>;
}

function startTail(path: string, context: ReadContext): Tail {
  let isCaughtUp = false;
  let onCaughtUp = () => {};
  const events = followOne(path, context, () => {
    isCaughtUp = true;
    onCaughtUp();
  });
  let pending: Promise<IteratorResult<InputEvent[]>> | undefined;
  return {
    nextPresent: () =>
      new Promise((resolve, reject) => {
        // One callback per call: a promise shared by all calls would accumulate reactions.
        onCaughtUp = () => resolve(undefined);
        pending = events.next();
        pending.then(resolve, reject);
        if (isCaughtUp) resolve(undefined);
      }),
    rest: {
      next() {
        const next = pending ?? events.next();
        pending = undefined;
        return next;
      },
    },
  };
}

/** Yields the events of a path, across all files that replace each other. */
async function* followOne(
  path: string,
  context: ReadContext,
  onCaughtUp: () => void,
): AsyncGenerator<InputEvent[], void, undefined> {
  const { io, messages } = context;
  let input = await tryOpen(path, context);
  while (input !== undefined) {
    const { file } = input;
    if (file === undefined) return yield* readOne(input, context);
    let end: FileEnd | undefined;
    const readInto = tailReader(file, io.clock, io.signal, onCaughtUp, (why) => {
      end = why;
    });
    yield* readOne({ ...input, readInto }, { ...context, progress: false });
    if (io.signal.aborted || end === undefined) return;
    messages.report(
      `${path}: ${end === "cut" ? "file truncated" : "file has been replaced"}; following the new one`,
    );
    input = await reopen(path, context);
  }
}

/**
 * Opens the file that is now at the path. As `tail -F`, waits until a file can be opened: during a rotation there may
 * briefly be no file, and a folder or an unreadable file may be replaced. Each reason is reported once and does not
 * count as a failure.
 */
async function reopen(path: string, { io, messages }: ReadContext): Promise<Input | undefined> {
  let reported = "";
  while (!io.signal.aborted) {
    try {
      return await openInput(path, io);
    } catch (error) {
      const reason = errorText(error);
      if (codeOf(error) !== "ENOENT" && reason !== reported) {
        messages.report(`${reason}; waiting for another file`);
        reported = reason;
      }
    }
    await sleep(POLL_MS, io.clock, io.signal);
  }
  return undefined;
}

/** Reads a file, and what is added to it until it is replaced or truncated. */
function tailReader(
  { path, handle }: RegularFile,
  clock: Clock,
  signal: AbortSignal,
  onCaughtUp: () => void,
  onEnd: (why: FileEnd) => void,
): Input["readInto"] {
  let bytes = 0;
  let why: FileEnd | undefined;
  return async (buffer) => {
    for (;;) {
      const length = await readFile(handle, buffer);
      bytes += length;
      if (length > 0) return length;
      if (why !== undefined && !signal.aborted) onEnd(why);
      if (why !== undefined || signal.aborted) return 0;
      onCaughtUp();
      await sleep(POLL_MS, clock, signal);
      if (signal.aborted) return 0;
      // After a replacement, loop once more to read what was added before it.
      why = await endOfFile(path, handle, bytes);
    }
  };
}

/** Merges batches in the order of their arrival, until all iterators have ended. */
async function* merge<T>(iterators: readonly AsyncIterator<T>[]): AsyncGenerator<T, void, undefined> {
  // No iterator has more than one batch in the queue: its next one is requested when that is read.
  const arrived = new BoundedQueue<{ iterator: AsyncIterator<T>; value: T }>(iterators.length);
  let open = iterators.length;

  function request(iterator: AsyncIterator<T>): void {
    iterator.next().then(
      ({ done, value }) => {
        if (done !== true) void arrived.push({ iterator, value });
        else if (--open === 0) arrived.end();
      },
      (error: unknown) => arrived.end({ error }),
    );
  }

  if (open === 0) return;
  iterators.forEach(request);
  for await (const { iterator, value } of arrived) {
    yield value;
    request(iterator);
  }
}
