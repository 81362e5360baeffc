import { EXIT, type ExitCode } from "../exit-code.js";
import { BrokenPipe } from "./io.js";

/**
 * Signals that end the program, with the exit codes that shells use for them. SIGHUP arrives when the terminal is
 * closed; without a handler it would end a recording before its last packets are written.
 */
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const;

/** The reason with which the signal of an `Io` is aborted after a process signal. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitCode: ExitCode;

  constructor(signal: keyof typeof SIGNALS) {
    super(signal);
    this.exitCode = SIGNALS[signal];
  }
}

/** The part of a process that is used here. */
export interface SignalledProcess {
  on(signal: string, listener: () => void): unknown;
  exit(code: number): void;
}

/** The signals of a process. */
export interface Interruptions {
  /** Aborted by the first signal. A second one ends the program immediately. */
  readonly signal: AbortSignal;
  /** Takes over SIGHUP, as `onHangUp` of an `Io`. */
  onHangUp(listener: () => void): () => void;
}

export function interruptionsOf(process: SignalledProcess): Interruptions {
  const controller = new AbortController();
  let hangUp: (() => void) | undefined;
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (name === "SIGHUP" && hangUp !== undefined) return hangUp();
      if (controller.signal.aborted) process.exit(code);
      // The cast is true: only the table's keys are registered.
      controller.abort(new Interruption(name as keyof typeof SIGNALS));
    });
  }
  return {
    signal: controller.signal,
    onHangUp(listener) {
      hangUp = listener;
      return () => {
        hangUp = undefined;
      };
    },
  };
}

/** The exit code of an interrupted command; 0 if the reader closed the output. Undefined if it was not interrupted. */
export function interruptionCode({ aborted, reason }: AbortSignal): ExitCode | undefined {
  if (!aborted) return undefined;
  if (reason instanceof BrokenPipe) return EXIT.ok;
  return reason instanceof Interruption ? reason.exitCode : EXIT.interrupted;
}
