import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { formatHelp } from "../../../src/cli/help.js";
import { recordCommand } from "../../../src/cli/record/command.js";
import { readRecordOptions } from "../../../src/cli/record/options.js";
import { repository } from "../../support/run.js";
import { fakeIo } from "../fake-io.js";

const PAGE = readFileSync(join(repository, "docs/cli.md"), "utf8");
describe("the page", () => {
  const blocks = [...PAGE.matchAll(/^```sh\n(flowscribe record [\s\S]*?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  test.each(blocks.flatMap((block) => block.trimEnd().split("\n")))(
    "has an example that is read: %s",
    async (command) => {
      expect((await readLine(command)).action).toBe("record");
    },
  );
});

describe("the help", () => {
  test.each(recordCommand.help.examples)("has an example that is read: $command", async ({ command }) => {
    expect((await readLine(command)).action).toBe("record");
  });

  test("has every flag, and those about flows as in observe", () => {
    const help = formatHelp(recordCommand, 100);
    for (const { name, shorthand } of recordCommand.flags) {
      const start = shorthand === undefined ? " {6}" : ` {2}-${shorthand}, `;
      expect(help).toMatch(new RegExp(`^${start}--${name}( |$)`, "m"));
    }
    expect(help).not.toMatch(/--(all|last|first|follow)( |$)/m);
  });
});

/** Reads an example, up to a pipe or a comment. */
function readLine(command: string): ReturnType<typeof readRecordOptions> {
  const [, args = ""] = (command.split(/ \| | +# /)[0] ?? "").split("flowscribe record ");
  const words = [...args.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? "",
  );
  return readRecordOptions(words, fakeIo());
}
