import { expect, test } from "vitest";
import { wantsColor } from "../../../src/cli/io/color.js";
import { fakeIo } from "../fake-io.js";

test.each([
  { mode: "always", terminal: false, env: { NO_COLOR: "1" }, color: true },
  { mode: "never", terminal: true, env: {}, color: false },
  { mode: "auto", terminal: true, env: {}, color: true },
  { mode: "auto", terminal: false, env: {}, color: false },
  { mode: "auto", terminal: true, env: { NO_COLOR: "1" }, color: false },
  { mode: "auto", terminal: true, env: { NO_COLOR: "" }, color: true },
  { mode: "auto", terminal: true, env: { TERM: "dumb" }, color: false },
] as const)(
  "wantsColor: returns $color for $mode with terminal: $terminal and $env",
  ({ mode, terminal, env, color }) => {
    expect(wantsColor(mode, fakeIo({ stdoutTerminal: terminal, env }))).toBe(color);
  },
);
