import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { observe } from "../../src/cli/observe/command.js";
import { OBSERVE_FLAGS } from "../../src/cli/observe/flags.js";
import { parseFlowFlags } from "../../src/observer/index.js";
import { isLong } from "../support/amount.js";
import { repository } from "../support/run.js";
import { describeWithPrograms } from "../support/shared.js";
import { runFake } from "./fake-io.js";

const PAGE = readFileSync(join(repository, "docs/cli.md"), "utf8");

/** The command after each `$ ` on the page, and its documented output. */
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
  test.each(sessions)("prints the documented output of $command", async ({ command, printed }) => {
    const { out, err } = isLong || !isPlain(command) ? runInShell(command) : await runInProcess(command);
    // Editors remove trailing spaces.
    expect(out.replaceAll(/ +$/gm, "") + err).toBe(printed);
  });
});

/** Whether a command only consists of arguments and runs without a shell. */
function isPlain(command: string): boolean {
  return /^flowscribe [^|<>;&$`\\]*$/.test(command);
}

function runInShell(command: string): { out: string; err: string } {
  const script = `flowscribe() { "${process.execPath}" dist/cli/main.js "$@"; }; ${command}`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: repository, encoding: "utf8" });
  return { out: stdout, err: stderr };
}

async function runInProcess(command: string): Promise<{ out: string; err: string }> {
  const [, ...args] = argumentsOf(command);
  return runFake(args);
}

/** The arguments of a command line, without quotes. */
function argumentsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
}

describe("docs/cli.md and help", () => {
  test("docs/cli.md contains sessions", () => {
    expect(sessions.length).toBeGreaterThanOrEqual(4);
  });

  test.each(observe.help.examples)(
    "observe --help: the options of the example parse: $command",
    ({ command }) => {
      const [, args = ""] = command.split("flowscribe observe ");
      const now = () => 0;
      expect(() => parseFlowFlags(argumentsOf(args), { extra: OBSERVE_FLAGS, now })).not.toThrow();
    },
  );
});
