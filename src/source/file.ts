import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { checkArgument } from "../errors/check-argument.js";
import { checkOptions } from "../errors/check-options.js";
import { CaptureError, OpenError } from "../errors/errors.js";
import { aPath } from "../errors/value-checks.js";
import { type CaptureSource, openCapture } from "../pcap/decode.js";
import { type ByteInput, createInput } from "../pcap/input.js";

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
  const file = await open(path, "r").catch((cause) => {
    throw new OpenError(path, cause);
  });
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw new CaptureError("not_a_capture", 0, "a folder", path);
    return await openCapture(stats.isFile() ? regularInput(file) : streamInput(file), path);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function streamInput(file: FileHandle): ByteInput {
  const stream = file.createReadStream();
  return {
    ...createInput(stream),
    // Also end a pending read, which may never complete on a pipe.
    close: () => {
      stream.destroy();
    },
  };
}

function regularInput(file: FileHandle): ByteInput {
  return {
    fill: (room) => readSync(file.fd, room, 0, room.length, null),
    close: () => file.close(),
  };
}
