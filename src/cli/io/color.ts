import { UsageError } from "../error-text.js";
import type { Io } from "./io.js";

export const COLOR_MODES = ["auto", "always", "never"] as const;

/**
 * Whether to colour standard output. `auto`: on a terminal, unless `NO_COLOR` is set to a non-empty value or `TERM` is
 * `dumb` (https://no-color.org).
 *
 * @throws UsageError for an unknown mode.
 */
export function wantsColor(mode: string, { stdout, env }: Pick<Io, "stdout" | "env">): boolean {
  switch (mode) {
    case "always":
      return true;
    case "never":
      return false;
    case "auto":
      return stdout.isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
    default:
      throw new UsageError(`invalid color mode: ${mode}, expected one of ${COLOR_MODES.join(", ")}`);
  }
}
