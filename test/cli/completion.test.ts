import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/cli/exit-code.js";
import { observe } from "../../src/cli/observe/command.js";
import { recordCommand } from "../../src/cli/record/command.js";
import { describeWithPrograms } from "../support/shared.js";
import { outputOf, runFake } from "./fake-io.js";

describe("flowscribe completion", () => {
  test.each(["bash", "zsh", "fish"])("includes every flag in the script for %s", async (shell) => {
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
    "rejects the arguments $args",
    async ({ args }) => {
      expect(await runFake(["completion", ...args])).toEqual({
        code: EXIT.usage,
        out: "",
        err: "name one shell: bash, zsh, fish\nSee: flowscribe completion --help\n",
      });
    },
  );

  test("rejects flags of other commands", async () => {
    const { code, err } = await runFake(["completion", "--pod", "a"]);
    expect(code).toBe(EXIT.usage);
    expect(err).toBe("unknown flag: --pod\nSee: flowscribe completion --help\n");
  });
});

describeWithPrograms("flowscribe completion bash", ["bash"], () => {
  test("prints valid bash syntax", async () => {
    const input = await outputOf(["completion", "bash"]);
    const { status, stderr } = spawnSync("bash", ["-n"], { input, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});
