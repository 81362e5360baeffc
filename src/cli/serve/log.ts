import type { Io } from "../io/io.js";
import { createMessages } from "../io/messages.js";

/** Writes an event as one JSON line, which starts with time, level and event. */
export type Log = (level: "info" | "warn" | "error", event: string, fields?: LogFields) => void;

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Control and invisible characters, which JSON allows unescaped. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Creates a log on standard error. Write errors are ignored: a closed standard error does not stop the server. */
export function createLog(io: Pick<Io, "stderr" | "clock">): Log {
  const messages = createMessages(io);
  return (level, event, fields = {}) => {
    const time = new Date(io.clock.now()).toISOString();
    const line = JSON.stringify({ time, level, event, ...fields });
    messages.write(`${line.replace(UNSAFE, escaped)}\n`);
  };
}

function escaped(character: string): string {
  // Without the u flag, so that surrogate pairs are escaped as two units, as JSON requires.
  return character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
