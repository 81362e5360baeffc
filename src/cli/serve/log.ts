import type { Io } from "../io.js";
import { createMessages } from "../messages.js";

/** What happens, one JSON line each; lines begin with time, level and event. */
export type Log = (level: "info" | "warn" | "error", event: string, fields?: LogFields) => void;

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Control characters and invisible ones, which JSON may hold as they are. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A log on standard error. Nobody reading it is no reason to stop. */
export function createLog(io: Pick<Io, "stderr" | "clock">): Log {
  const messages = createMessages(io);
  return (level, event, fields = {}) => {
    const time = new Date(io.clock.now()).toISOString();
    const line = JSON.stringify({ time, level, event, ...fields });
    messages.pass(`${line.replace(UNSAFE, escaped)}\n`);
  };
}

function escaped(character: string): string {
  // Without the flag u: halves of what is beyond 16 bits are escaped each, as JSON has it.
  return character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
