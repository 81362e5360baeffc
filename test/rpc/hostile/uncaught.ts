import { setImmediate as nextTurn } from "node:timers/promises";

/** The uncaught exceptions and unhandled rejections since {@link watchUncaught}. */
export interface UncaughtWatch extends Disposable {
  /** Waits until pending events have been emitted. */
  errors(): Promise<readonly string[]>;
}

const TURNS = 20;

export function watchUncaught(): UncaughtWatch {
  const errors: string[] = [];
  const note = (error: unknown) =>
    errors.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return {
    errors: async () => {
      for (let turn = 0; turn < TURNS; turn++) await nextTurn();
      return errors;
    },
    [Symbol.dispose]: () => {
      process.off("uncaughtException", note);
      process.off("unhandledRejection", note);
    },
  };
}
