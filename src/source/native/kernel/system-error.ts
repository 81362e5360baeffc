import { constants } from "node:os";

/** A failed system call. */
export class SystemError extends Error {
  /** Error name, such as `EPERM`. */
  readonly code: string;
  readonly call: string;
  /** The verifier's log for a rejected program; otherwise "". */
  readonly log: string;

  constructor(call: string, errno: number, log = "") {
    const code =
      Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`;
    super(`${call}: ${code}`);
    this.name = "SystemError";
    this.call = call;
    this.code = code;
    this.log = log;
  }
}
