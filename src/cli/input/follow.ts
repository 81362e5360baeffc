import { stat } from "node:fs/promises";
import { sleep } from "../../async/abort.js";
import type { Clock } from "../../async/clock.js";
import { codeOf } from "../../errors/message.js";
import { errorText } from "../error-text.js";
import type { InputEvent } from "./events.js";
import { CHUNK_BYTES, type Input, openInput, type RegularFile, readChunks } from "./open.js";
import { type ReadContext, readOne, tryOpen } from "./read-all.js";

/** How often a file that has ended is looked at again. */
export const POLL_MS = 250;

/** The two parts of inputs that are followed. */
export interface Followed {
  /** What is there, one input after the other. */
  readonly present: AsyncGenerator<InputEvent[], void, undefined>;
  /** What is added later, as it comes; to be asked for when the first part has ended. */
  readonly future: AsyncGenerator<InputEvent[], void, undefined>;
}

/**
 * The events of inputs, and what is added to them, as `tail -F`: files that are replaced or cut are read anew. Pipes and
 * standard input are read to their end, in their place.
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
  /** The next events of what is there; undefined when there are none now, but may be later. */
  nextPresent(): Promise<IteratorResult<InputEvent[]> | undefined>;
  /** What comes later. */
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
        // Known only to this step: a promise that lasts would gather what waits for it.
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

/** One file in all that it becomes. */
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
    let end: TailEnd | undefined;
    const chunks = tailChunks(file, io.clock, io.signal, onCaughtUp, (why) => {
      end = why;
    });
    yield* readOne(input, { ...context, progress: false }, chunks);
    if (io.signal.aborted || end === undefined) return;
    messages.tell(
      `${path}: ${end === "cut" ? "file truncated" : "file has been replaced"}; following the new one`,
    );
    input = await reopen(path, context);
  }
}

/**
 * Opens the file that is at the path now. Until there is one that can be opened, waits for it, as `tail -F`: between the two
 * steps of a rotation there is no file, and a folder or a file without permission may give way to another. Each such reason is
 * reported once, but is not a failure.
 */
async function reopen(path: string, { io, messages }: ReadContext): Promise<Input | undefined> {
  let reported = "";
  while (!io.signal.aborted) {
    try {
      return await openInput(path, io);
    } catch (error) {
      const reason = errorText(error);
      if (codeOf(error) !== "ENOENT" && reason !== reported) {
        messages.tell(`${reason}; waiting for another file`);
        reported = reason;
      }
    }
    await sleep(POLL_MS, io.clock, io.signal);
  }
  return undefined;
}

/** Why the bytes of a followed file end: another file has its name, or it is shorter than what was read. */
type TailEnd = "replaced" | "cut";

async function* tailChunks(
  { path, handle }: RegularFile,
  clock: Clock,
  signal: AbortSignal,
  onCaughtUp: () => void,
  onEnd: (why: TailEnd) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let bytes = 0;
  let why: TailEnd | undefined;
  for (;;) {
    for await (const chunk of readChunks(handle, buffer)) {
      bytes += chunk.length;
      yield chunk;
    }
    if (signal.aborted) return;
    if (why !== undefined) return onEnd(why);
    onCaughtUp();
    await sleep(POLL_MS, clock, signal);
    if (signal.aborted) return;
    // What was added before the file was replaced is read once more.
    why = await endOf(path, handle, bytes);
  }
}

async function endOf(
  path: string,
  handle: RegularFile["handle"],
  bytes: number,
): Promise<TailEnd | undefined> {
  const opened = await handle.stat();
  if (opened.size < bytes) return "cut";
  try {
    const named = await stat(path);
    return named.ino === opened.ino && named.dev === opened.dev ? undefined : "replaced";
  } catch {
    // Between the two steps of a rotation there is no file of that name.
    return undefined;
  }
}

/** The batches of several as they come, until all have ended. */
async function* merge<T>(iterators: readonly AsyncIterator<T>[]): AsyncGenerator<T, void, undefined> {
  const ready: { iterator: AsyncIterator<T>; result: IteratorResult<T> }[] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};

  function ask(iterator: AsyncIterator<T>): void {
    iterator.next().then(
      (result) => {
        ready.push({ iterator, result });
        wake();
      },
      (error: unknown) => {
        failure ??= { error };
        wake();
      },
    );
  }

  let open = iterators.length;
  iterators.forEach(ask);
  while (open > 0) {
    const next = ready.shift();
    if (next !== undefined) {
      if (next.result.done === true) {
        open--;
        continue;
      }
      yield next.result.value;
      ask(next.iterator);
    } else if (failure !== undefined) {
      throw failure.error;
    } else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}
