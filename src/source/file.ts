import { closeSync, createReadStream, fstatSync, open, readSync } from "node:fs";
import { promisify } from "node:util";
import type { ByteInput } from "../bytes/byte-input.js";
import { createChunkInput } from "../bytes/chunk-input.js";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { CaptureError, OpenError } from "../errors/errors.js";
import { aPath } from "../errors/value-checks.js";
import { type CaptureSource, openCapture } from "../pcap/decode.js";

/**
 * Opens a capture file by path: pcap or pcapng, optionally gzip-compressed, as `decodeCapture` reads bytes. A regular
 * file is read synchronously, which is faster than a stream; pipes and devices (`/dev/stdin`) are read as streams.
 * Dispose of the source to close the file.
 *
 * @param options No options exist yet. Unknown keys are rejected so that they are not silently ignored.
 * @throws OpenError `open_failed` if the file cannot be opened, with the system's error (`ENOENT`, `EACCES`, …) as its
 *   cause; `CaptureError` for invalid contents, also from the iteration. Both name the path. OptionsError.
 */
export async function openCaptureFile(
  path: string,
  options: Record<string, never> = {},
): Promise<CaptureSource> {
  checkArgument("openCaptureFile", "path", path, aPath);
  checkOptions("openCaptureFile", options, {});
  const descriptor = await openDescriptor(path, "r").catch((cause) => {
    throw new OpenError(path, cause);
  });
  const stats = fstatSync(descriptor);
  if (stats.isDirectory()) {
    closeSync(descriptor);
    throw new CaptureError("not_a_capture", 0, "is a directory", path);
  }
  return openCapture(stats.isFile() ? regularInput(descriptor) : streamInput(descriptor), path);
}

// Not a FileHandle: one that is collected before it is closed prints a warning, and ends the process in Node 26.
const openDescriptor = promisify(open);

function streamInput(descriptor: number): ByteInput {
  const stream = createReadStream("", { fd: descriptor });
  return {
    ...createChunkInput(stream),
    // Also end a pending read, which may never complete on a pipe.
    close: () => {
      stream.destroy();
    },
  };
}

function regularInput(descriptor: number): ByteInput {
  let isClosed = false;
  return {
    readInto: (buffer) => (isClosed ? 0 : readSync(descriptor, buffer, 0, buffer.length, null)),
    close: () => {
      if (!isClosed) closeSync(descriptor);
      isClosed = true;
    },
  };
}
