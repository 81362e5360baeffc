import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-code.js";
import { observe } from "../../src/cli/observe/command.js";
import { recordCommand } from "../../src/cli/record/command.js";
import { describeWithPrograms } from "../support/shared.js";
import { outputOf, runFake } from "./fake-io.js";

describe("completion", () => {
  test.each(["bash", "zsh", "fish"])("for %s knows every flag", async (shell) => {
    const script = await outputOf(["completion", shell]);
    for (const { name, shorthand } of [...observe.flags, ...recordCommand.flags]) {
      expect(script).toMatch(
        shell === "fish" ? new RegExp(`-l ${name}( |$)`, "m") : new RegExp(`--${name}[ =[)|"]`),
      );
      if (shorthand !== undefined) {
        expect(script).toMatch(shell === "fish" ? ` -s ${shorthand} ` : new RegExp(`-${shorthand}[ +[)|"]`));
      }
    }
    for (const { choices } of [...observe.flags, ...recordCommand.flags]) {
      if (choices !== undefined) expect(script).toContain(choices.join(" "));
    }
  });

  test.each([{ args: [] }, { args: ["tcsh"] }, { args: ["bash", "zsh"] }])(
    "$args is refused",
    async ({ args }) => {
      expect(await runFake(["completion", ...args])).toEqual({
        code: EXIT.usage,
        out: "",
        err: "name one shell: bash, zsh, fish\nSee: flowscribe completion --help\n",
      });
    },
  );

  test("flags of others are none of its", async () => {
    const { code, err } = await runFake(["completion", "--pod", "a"]);
    expect(code).toBe(EXIT.usage);
    expect(err).toBe("unknown flag: --pod\nSee: flowscribe completion --help\n");
  });
});

describeWithPrograms("bash takes its script", ["bash"], () => {
  test("as syntax", async () => {
    const input = await outputOf(["completion", "bash"]);
    const { status, stderr } = spawnSync("bash", ["-n"], { input, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
