import { systemClock } from "../../async/clock.js";
import { interruptionsOf } from "./interruption.js";
import type { Io } from "./io.js";
import { outputStream } from "./output-stream.js";

/** Creates the io of this process. */
export function processIo(): Io {
  const { signal, onHangUp } = interruptionsOf(process);
  return {
    stdin: {
      get isTerminal() {
        return process.stdin.isTTY === true;
      },
      chunks: () => process.stdin,
    },
    stdout: outputStream(process.stdout, { signal }),
    stderr: outputStream(process.stderr, { signal }),
    env: process.env,
    clock: systemClock,
    signal,
    onHangUp,
  };
}
