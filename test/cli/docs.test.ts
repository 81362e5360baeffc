import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { observe } from "../../src/cli/observe/command.js";
import { OBSERVE_FLAGS } from "../../src/cli/observe/flags.js";
import { parseFlowFlags } from "../../src/observer/index.js";
import { repository } from "../support/run.js";
import { describeWithPrograms } from "../support/shared.js";

const PAGE = readFileSync(join(repository, "docs/cli.md"), "utf8");

/** What stands behind each `$ ` on the page, and what it says is printed. */
const sessions = [...PAGE.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { command: part.slice(0, end), printed: part.slice(end + 1) };
    }),
);

describeWithPrograms("docs/cli.md", ["bash"], () => {
  test.each(sessions)("$command", ({ command, printed }) => {
    const script = `flowscribe() { "${process.execPath}" dist/cli/main.js "$@"; }; ${command}`;
    const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: repository, encoding: "utf8" });
    // Spaces at the ends of lines do not survive editors.
    expect(stdout.replaceAll(/ +$/gm, "") + stderr).toBe(printed);
  });
});

describe("pages and help", () => {
  test("there are sessions on the page", () => {
    expect(sessions.length).toBeGreaterThanOrEqual(4);
  });

  test.each(observe.help.examples)("the example $command is read", ({ command }) => {
    const [, args = ""] = command.split("flowscribe observe ");
    const words = [...args.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? "");
    const now = () => 0;
    expect(() => parseFlowFlags(words, { extra: OBSERVE_FLAGS, now })).not.toThrow();
  });
});
