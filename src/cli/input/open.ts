import { constants, createReadStream, openSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { isatty, ReadStream } from "node:tty";
import type { Io } from "../io.js";

/** A file or standard input, opened. */
export interface Input {
  /** For messages. */
  readonly name: string;
  /** The file, where it is a regular one: such may be followed, and has a size. */
  readonly file: RegularFile | undefined;
  /** Its bytes. A chunk's memory may be used again for the next. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface RegularFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** The argument that stands for standard input. */
export const STANDARD_INPUT = "-";

/** Bytes of a file that are read at a time. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Opens an input of a command line; `-` is standard input.
 *
 * @throws The system's error when it cannot be opened.
 */
export async function openInput(path: string, { stdin }: Pick<Io, "stdin">): Promise<Input> {
  if (path === STANDARD_INPUT) {
    return { name: "standard input", file: undefined, chunks: stdin.chunks(), close: async () => {} };
  }
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // That it was asked first is of no interest.
    throw Object.assign(error, { syscall: "open" });
  });
  if (stats.isDirectory()) throw new Error(`read ${path}: is a directory`);
  if (!stats.isFile()) return openStream(path, stats.isFIFO());
  const handle = await open(path, constants.O_RDONLY);
  const file = { path, handle, sizeBytes: stats.size };
  return { name: path, file, chunks: readChunks(handle), close: () => handle.close() };
}

/** Pipes are read as sockets: with a read that blocks a thread the program could not end before it returns. */
function openStream(path: string, isPipe: boolean): Input {
  // Opening a pipe does not wait for whoever writes to it, either.
  const fd = openSync(path, isPipe ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY);
  const stream = isPipe
    ? new Socket({ fd, readable: true, writable: false })
    : isatty(fd)
      ? new ReadStream(fd)
      : createReadStream("", { fd });
  const close = async () => {
    stream.destroy();
  };
  return { name: path, file: undefined, chunks: stream, close };
}

/**
 * The bytes of a file from where it stands. Each read takes a turn of the event loop, so that signals are seen.
 *
 * @param buffer Where they are put; the same for all chunks.
 */
export async function* readChunks(
  handle: FileHandle,
  buffer: Uint8Array = new Uint8Array(CHUNK_BYTES),
): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
