import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Command, CommandEntry } from "../../src/cli/command.js";
import { COMMANDS } from "../../src/cli/commands.js";
import { EXIT, EXIT_MEANINGS } from "../../src/cli/exit-code.js";
import { BrokenPipe } from "../../src/cli/io/io.js";
import { runCli } from "../../src/cli/run.js";
import { FlagError } from "../../src/observer/index.js";
import { repository } from "../support/run.js";
import { fakeIo, runFake } from "./fake-io.js";

const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));

describe("flowscribe: without a command", () => {
  test.each([[[]], [["help"]], [["--help"]], [["-h"]]])("prints the overview for %j", async (args) => {
    const { code, out, err } = await runFake(args);
    expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
    for (const { name, summary } of COMMANDS) expect(out).toContain(`  ${name.padEnd(14)}${summary}`);
    for (const code of Object.values(EXIT)) expect(out).toMatch(new RegExp(`^ {2}${code} `, "m"));
  });

  test.each(["--version", "version"])("prints the version for %s", async (argument) => {
    expect(await runFake([argument])).toEqual({ code: EXIT.ok, out: `flowscribe v${version}\n`, err: "" });
  });

  test.each(COMMANDS.map(({ name }) => name))(
    "flowscribe help prints the help of the command %s",
    async (name) => {
      const { out } = await runFake(["help", name]);
      expect(out).toContain(`flowscribe ${name}`);
      expect(await runFake([name, "--help"])).toEqual({ code: EXIT.ok, out, err: "" });
      expect(await runFake([name, "-h"])).toEqual({ code: EXIT.ok, out, err: "" });
    },
  );

  test.each([
    {
      args: ["obsrve"],
      err: 'unknown command "obsrve" for "flowscribe"\nDid you mean "observe"?\nSee: flowscribe --help\n',
    },
    {
      args: ["obs"],
      err: 'unknown command "obs" for "flowscribe"\nDid you mean "observe"?\nSee: flowscribe --help\n',
    },
    { args: ["xyzzy"], err: 'unknown command "xyzzy" for "flowscribe"\nSee: flowscribe --help\n' },
    { args: ["help", "xyzzy"], err: 'unknown command "xyzzy" for "flowscribe"\nSee: flowscribe --help\n' },
    { args: ["--pod", "a"], err: "unknown flag: --pod; the command comes first\nSee: flowscribe --help\n" },
    { args: ["\u001b[2J"], err: 'unknown command "\\u001b[2J" for "flowscribe"\nSee: flowscribe --help\n' },
  ])("rejects $args", async ({ args, err }) => {
    expect(await runFake(args)).toEqual({ code: EXIT.usage, out: "", err });
  });
});

describe("runCli: errors of commands", () => {
  const run = (error: unknown) => {
    const command: Command = {
      name: "fail",
      help: { usage: ["fail"], text: ["Fails."], examples: [] },
      flags: [{ name: "verdict", value: "string", help: "" }],
      run: async () => {
        throw error;
      },
    };
    const entries: CommandEntry[] = [{ name: "fail", summary: "Fails.", load: async () => command }];
    const io = fakeIo();
    return runCli(["fail"], io, entries).then((code) => ({ code, err: io.err() }));
  };

  test.each([
    { name: "prints nothing for a broken pipe", error: new BrokenPipe(), code: EXIT.ok, err: "" },
    {
      name: "suggests a flag for an unknown one",
      error: new FlagError("unknown flag: --verdit"),
      code: EXIT.usage,
      err: "unknown flag: --verdit\nDid you mean --verdict?\nSee: flowscribe fail --help\n",
    },
    {
      name: "escapes control characters of errors",
      error: new Error("no\u001b[31m way\nat all"),
      code: EXIT.failed,
      err: "no^[[31m way\nat all\n",
    },
    { name: "prints a value that is not an Error", error: "text", code: EXIT.failed, err: "text\n" },
    {
      name: "prints a system error in Go's words",
      error: Object.assign(new Error("ENOENT: …"), { errno: -2, syscall: "open", path: "a" }),
      code: EXIT.failed,
      err: "open a: no such file or directory\n",
    },
    {
      name: "prints a system error without a path",
      error: Object.assign(new Error("ENOSPC: …"), { errno: -28, syscall: "write" }),
      code: EXIT.failed,
      err: "write: no space left on device\n",
    },
  ])("$name", async ({ error, code, err }) => {
    expect(await run(error)).toEqual({ code, err });
  });

  test("keeps the exit code when standard error is closed", async () => {
    const io = fakeIo();
    const stderr = {
      ...io.stderr,
      write: () => {
        throw new BrokenPipe();
      },
    };
    expect(await runCli(["nothing"], { ...io, stderr })).toBe(EXIT.usage);
  });
});

test("docs/cli.md: lists the actual exit codes", () => {
  const page = readFileSync(join(repository, "docs/cli.md"), "utf8");
  for (const [name, code] of Object.entries(EXIT)) {
    const meaning = EXIT_MEANINGS[name as keyof typeof EXIT];
    expect(page).toMatch(new RegExp(`^\\| ${code} +\\| ${meaning.replaceAll(/[.()]/g, "\\$&")} +\\|$`, "m"));
  }
});
