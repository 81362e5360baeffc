import type { Io } from "./io.js";

export const COLOR_MODES = ["auto", "always", "never"] as const;

/**
 * Whether to color standard output. `auto`: on a terminal, unless `NO_COLOR` is set to a non-empty value or `TERM` is
 * `dumb` (https://no-color.org).
 */
export function wantsColor(
  mode: (typeof COLOR_MODES)[number],
  { stdout, env }: Pick<Io, "stdout" | "env">,
): boolean {
  switch (mode) {
    case "always":
      return true;
    case "never":
      return false;
    case "auto":
      return stdout.isTerminal && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
  }
}
