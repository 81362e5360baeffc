import { constants, createReadStream, openSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { Socket } from "node:net";
import { isatty, ReadStream } from "node:tty";
import type { Io } from "../io/io.js";

/** An open file or standard input. */
export interface Input {
  /** Name for messages. */
  readonly name: string;
  /** The file, if it is a regular one, which can be followed and has a size. */
  readonly file: RegularFile | undefined;
  /** The bytes. A chunk is only valid until the next one is requested. */
  readonly chunks: AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface RegularFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** The argument for standard input. */
export const STANDARD_INPUT = "-";

/** Maximum number of bytes per read. */
export const CHUNK_BYTES = 256 * 1024;

/**
 * Opens an input of a command line; `-` is standard input.
 *
 * @throws The system's error if it cannot be opened.
 */
export async function openInput(path: string, { stdin }: Pick<Io, "stdin">): Promise<Input> {
  if (path === STANDARD_INPUT) {
    return { name: "standard input", file: undefined, chunks: stdin.chunks(), close: async () => {} };
  }
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // Report `open`, not the preceding `stat`.
    throw Object.assign(error, { syscall: "open" });
  });
  if (stats.isDirectory()) throw new Error(`read ${path}: is a directory`);
  if (!stats.isFile()) return openStream(path, stats.isFIFO());
  const handle = await open(path, constants.O_RDONLY);
  const file = { path, handle, sizeBytes: stats.size };
  return { name: path, file, chunks: readChunks(handle), close: () => handle.close() };
}

/**
 * Opens a pipe or device. A pipe is read as a socket: a blocking read on a pool thread would keep the program from
 * ending.
 */
function openStream(path: string, isPipe: boolean): Input {
  // Non-blocking, so that opening a pipe does not wait for a writer.
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
 * Yields the bytes of a file from its current position. Each read yields to the event loop, so that signals are
 * handled.
 *
 * @param buffer Reused for all chunks.
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
