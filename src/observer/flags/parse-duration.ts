import { readGoDuration } from "../../go/duration.js";
import type { Parsed } from "./flag.js";

/** A duration as Go reads it, in nanoseconds; faults are in Go's words. */
export function parseDuration(text: string): Parsed<bigint> {
  const value = readGoDuration(text);
  if (typeof value === "bigint") return { value };
  switch (value.kind) {
    case "invalid":
      return { fault: `time: invalid duration ${quote(text)}` };
    case "missing unit":
      return { fault: `time: missing unit in duration ${quote(text)}` };
    case "unknown unit":
      return { fault: `time: unknown unit ${quote(value.unit)} in duration ${quote(text)}` };
  }
}

/** Package time has a quoting of its own, where all that is not printable ASCII becomes bytes. */
function quote(text: string): string {
  const quoted = text.replaceAll(/["\\]|[^ -\u007f]/gu, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    const bytes = new TextEncoder().encode(character);
    return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  });
  return `"${quoted}"`;
}
