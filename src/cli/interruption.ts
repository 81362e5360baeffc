import { EXIT, type ExitCode } from "./exit-code.js";
import { BrokenPipe } from "./io.js";

/**
 * Signals that ask a program to end, with the exit codes of shells for them. SIGHUP comes when the terminal is closed: without a
 * handler it would end a recording before its last packets are written.
 */
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const;

/** Why the signal of an `Io` is aborted. */
export class Interruption extends Error {
  override readonly name = "Interruption";
  readonly exitCode: ExitCode;

  constructor(signal: keyof typeof SIGNALS) {
    super(signal);
    this.exitCode = SIGNALS[signal];
  }
}

/** What of a process is needed here. */
export interface SignalledProcess {
  on(signal: string, listener: () => void): unknown;
  exit(code: number): void;
}

/** Aborted by the first signal; the second ends the program on the spot. */
export function interruptionOf(process: SignalledProcess): AbortSignal {
  const controller = new AbortController();
  for (const [name, code] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(code);
      // A key of the table.
      controller.abort(new Interruption(name as keyof typeof SIGNALS));
    });
  }
  return controller.signal;
}

/** The exit code of a command that was ended early; undefined when it was not. */
export function interruptionCode({ aborted, reason }: AbortSignal): ExitCode | undefined {
  if (!aborted) return undefined;
  if (reason instanceof BrokenPipe) return EXIT.ok;
  return reason instanceof Interruption ? reason.exitCode : EXIT.interrupted;
}
