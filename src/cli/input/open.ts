import { constants, createReadStream, openSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import type { ByteInput } from "../../bytes/byte-input.js";
import { createChunkInput } from "../../bytes/chunk-input.js";
import type { Io } from "../io/io.js";

/** An open file or standard input. */
export interface Input extends ByteInput {
  /** Name for messages. */
  readonly name: string;
  /** The file, if it is a regular one, which can be followed and has a size. */
  readonly file: RegularFile | undefined;
  close(): Promise<void>;
}

export interface RegularFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** The argument for standard input. */
export const STANDARD_INPUT = "-";

/**
 * Opens an input of a command line; `-` is standard input.
 *
 * @throws The system's error if it cannot be opened.
 */
export async function openInput(path: string, { stdin }: Pick<Io, "stdin">): Promise<Input> {
  if (path === STANDARD_INPUT) {
    const { readInto, close } = createChunkInput(stdin.chunks());
    return { name: "standard input", file: undefined, readInto, close: async () => close?.() };
  }
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    // Report `open`, not the preceding `stat`.
    throw Object.assign(error, { syscall: "open" });
  });
  if (stats.isDirectory()) throw new Error(`read ${path}: is a directory`);
  if (!stats.isFile()) return await openStream(path, stats.isFIFO());
  const handle = await open(path, constants.O_RDONLY);
  const file = { path, handle, sizeBytes: stats.size };
  return { name: path, file, readInto: (buffer) => readFile(handle, buffer), close: () => handle.close() };
}

/**
 * Opens a pipe or device. A pipe is read as a socket: a blocking read on a pool thread would keep the program from
 * ending.
 */
async function openStream(path: string, isPipe: boolean): Promise<Input> {
  const { Socket } = await import("node:net");
  const { isatty, ReadStream } = await import("node:tty");
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
  return { name: path, file: undefined, readInto: createChunkInput(stream).readInto, close };
}

/**
 * Reads from the current position of a file; returns 0 at its end. Each read yields to the event loop, so that signals
 * are handled.
 */
export async function readFile(handle: FileHandle, buffer: Uint8Array): Promise<number> {
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
  return bytesRead;
}
